/** Rows as lines, every column as wide as its widest cell; the first row is the heading. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const lineOf = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => lineOf(row).trimEnd()).join('\n');
}

/** `1,234` */
export function formatNumber(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 event`, `1,234 events` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

/** A duration in the largest unit that leaves at most one decimal: `4 s`, `5 min`, `2 h`, `23.6 h`. @param ms milliseconds */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120) return `${oneDecimal(seconds)} s`;
  return seconds < 7200 ? `${oneDecimal(seconds / 60)} min` : `${oneDecimal(seconds / 3600)} h`;
}

function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Text from outside, which may hold line breaks, as one line. */
export function oneLine(text: string): string {
  return text.replaceAll(/[^\S ]+/g, ' ').trim();
}
