/** A time in UTC without its milliseconds: `2026-01-31T12:00:00Z`. What is no time stays as it is. */
export function shortTime(time: string): string {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? time : new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
