import { DAY_MS, HOUR_MS } from '../shared/durations.ts';
import type { Log } from '../shared/log.ts';

/** The longest wait that a partner can ask for: longer ones are cut to it, so that no answer stalls a delivery for days. */
export const MAX_RETRY_AFTER_MS = HOUR_MS;

/** Several values are joined into one text; what is longer than this is not read. */
const MAX_CHARACTERS = 200;

/** A comma between two values. The comma within a date (`Thu, 15 Jan`, `Thursday, 15-Jan`) is followed by its day. */
const BETWEEN_VALUES = /,(?!\s*\d{1,2}[ -][A-Z])/;

const QUOTED = /^(["'])(.*)\1$/;

/** RFC 9110 has whole seconds only. Partners also send fractions, a unit and, for a time that has passed, a minus sign. */
const SECONDS = /^(-?\d+(?:\.\d*)?)(?: ?s(?:ec(?:ond)?s?)?)?$/i;

/**
 * The three forms of a date in HTTP (RFC 9110, 5.6.7), the last of which does not say that it is in GMT, and ISO 8601.
 * The first two are also read with another zone, as in mail (RFC 5322).
 */
const DATES = [
  /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|UTC|[+-]\d{4})$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d (GMT|UTC|[+-]\d{4})$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/,
];

/** A date that names its zone. */
const ZONED = /(GMT|UTC|Z|[T ][\d:.]+[+-]\d\d:\d\d|[+-]\d{4})$/;

/**
 * How long a partner asks us to wait, by its header `Retry-After` (RFC 9110, 10.2.3): in seconds, or until a date. Of
 * several values the longest wait counts. A wait is rounded up to milliseconds, never down.
 *
 * `RateLimit-Reset`, `X-RateLimit-Reset` and `Retry-After-Ms` are not read: they come with successes too, and partners do
 * not agree on their unit.
 *
 * @returns 0 to `MAX_RETRY_AFTER_MS`, 0 for a time that has passed; undefined where no value can be read
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || header.length > MAX_CHARACTERS) return undefined;
  const waitsMs = header.split(BETWEEN_VALUES).map((value) => waitMs(unquoted(value.trim()), nowMs));
  const readable = waitsMs.filter((ms) => ms !== undefined);
  if (readable.length === 0) return undefined;
  return Math.min(Math.max(0, ...readable), MAX_RETRY_AFTER_MS);
}

/** The wait after a 429 that names no time: about the wait before the second and third attempt together. */
const USUAL_THROTTLE_WAIT_MS = 5_000;

/** Responses to requests that were in flight together arrive within it, so that they lower an integration's pace once. */
const MIN_THROTTLE_WAIT_MS = 1_000;

/** How long no request is sent to an endpoint that refused one as too many, in milliseconds. */
export function throttledRetryAfterMs(askedMs = USUAL_THROTTLE_WAIT_MS): number {
  return Math.max(MIN_THROTTLE_WAIT_MS, askedMs);
}

function unquoted(value: string): string {
  return QUOTED.exec(value)?.[2]?.trim() ?? value;
}

function waitMs(value: string, nowMs: number): number | undefined {
  const ms = Number(SECONDS.exec(value)?.[1] ?? Number.NaN) * 1000;
  // A time in Unix seconds would be a wait of half a century.
  if (Math.abs(ms - nowMs) <= DAY_MS) return Math.ceil(ms - nowMs);
  return Number.isNaN(ms) ? untilDateMs(value, nowMs) : Math.ceil(ms);
}

function untilDateMs(value: string, nowMs: number): number | undefined {
  // Only these forms: Date.parse alone takes a year for a date, and a date without a zone for local time.
  if (!DATES.some((form) => form.test(value))) return undefined;
  const untilMs = Date.parse(ZONED.test(value) ? value : `${value}${value.includes('-') ? 'Z' : ' GMT'}`);
  // Digits beyond the milliseconds are not read.
  return Number.isNaN(untilMs) ? undefined : untilMs + (/\.\d{4,}/.test(value) ? 1 : 0) - nowMs;
}

/** Forms that are remembered as logged; after these an environment logs no further ones. */
const MAX_LOGGED_FORMS = 1_000;

/** Reads an integration's `Retry-After`, as `retryAfterMs` does. */
export type RetryAfterReader = (integrationId: string, header: string | undefined, nowMs: number) => number | undefined;

/** @returns a reader that logs what it cannot read once for each integration and form, in its environment */
export function createRetryAfterReader(log: Log): RetryAfterReader {
  const logged = new Set<string>();
  return (integrationId, header, nowMs) => {
    const ms = retryAfterMs(header, nowMs);
    if (header === undefined || ms !== undefined || logged.size >= MAX_LOGGED_FORMS) return ms;
    const form = formOf(header);
    const key = `${integrationId} ${form}`;
    if (!logged.has(key)) {
      logged.add(key);
      log.warn('delivery.retry_after_unreadable', { integration_id: integrationId, form, characters: header.length });
    }
    return undefined;
  };
}

/** `in 5 minutes` is `a 9 a`: it tells what the partner sends and repeats none of it, since a header may hold anything. */
function formOf(header: string): string {
  return header
    .slice(0, 40)
    .replace(/\p{L}+/gu, 'a')
    .replace(/\p{N}+/gu, '9')
    .replace(/[^ -~]+/g, '?');
}
