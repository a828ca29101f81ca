/** A time in UTC without its milliseconds, as the CLI prints it: `2026-01-31T12:00:00Z`. What is no time stays as it is. */
export function shortTime(time: string): string {
  return time.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z$/, '$1Z');
}
