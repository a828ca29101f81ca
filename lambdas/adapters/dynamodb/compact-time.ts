/**
 * A time as the table holds it: epoch milliseconds take 8 bytes, ISO 8601 takes 24, and a state item has 1,024 in all. A
 * time written in another way (an offset, no milliseconds) stays text, so that it is read as it was written.
 */
export function compactTime(text: string): number | string {
  const ms = Date.parse(text);
  return Number.isFinite(ms) && new Date(ms).toISOString() === text ? ms : text;
}

/** The text again; what is neither number nor text is returned as it is, for a schema to refuse. */
export function timeText(held: unknown): unknown {
  return typeof held === 'number' && Math.abs(held) <= 8.64e15 ? new Date(held).toISOString() : held;
}
