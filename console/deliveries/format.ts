/** A time in UTC without its milliseconds: `2026-01-31T12:00:00Z`. What is no time stays as it is. */
export function shortTime(time: string): string {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? time : new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** US dollars: `$0.0012`, and `under $0.0001` for what rounds to nothing. */
export function formatCost(usd: number): string {
  if (usd > 0 && usd < 0.0001) return 'under $0.0001';
  return `$${usd < 1 ? usd.toFixed(4) : usd.toFixed(2)}`;
}
