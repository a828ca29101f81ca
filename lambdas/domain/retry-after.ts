/** The longest wait that a partner can ask for: longer ones are cut to it, so that no answer stalls a delivery for days. */
export const MAX_RETRY_AFTER_MS = 60 * 60 * 1000;

/** The longest that a date can be is 33 characters; digits beyond that are no delay that anybody meant. */
const MAX_CHARACTERS = 40;

const SECONDS = /^\d+$/;

/** The three forms of a date in HTTP (RFC 9110, 5.6.7); the last one does not say that it is in GMT. */
const DATES = [
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
];

/**
 * How long a partner asks us to wait, by its header `Retry-After` (RFC 9110, 10.2.3): in seconds, or until a date.
 *
 * @returns 0 to `MAX_RETRY_AFTER_MS`, 0 for a date that has passed; undefined where the header says nothing usable
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim();
  if (text === undefined || text.length > MAX_CHARACTERS) return undefined;
  if (SECONDS.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  // Only these forms: Date.parse alone takes a year for a date, and a date without a zone for local time.
  if (!DATES.some((form) => form.test(text))) return undefined;
  const untilMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(untilMs) ? undefined : Math.min(Math.max(untilMs - nowMs, 0), MAX_RETRY_AFTER_MS);
}
