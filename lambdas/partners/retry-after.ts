import { DAY_MS, HOUR_MS } from '../shared/durations.ts';
import type { Log } from '../shared/log.ts';

/** Longer waits are cut to this limit, so that no response delays a delivery for days. */
export const MAX_RETRY_AFTER_MS = HOUR_MS;

/** Several headers are joined to one text. A longer text is ignored. */
const MAX_CHARACTERS = 200;

/** A comma between two values. The comma within a date (`Thu, 15 Jan`, `Thursday, 15-Jan`) is followed by its day. */
const BETWEEN_VALUES = /,(?!\s*\d{1,2}[ -][A-Z])/;

const QUOTED = /^(["'])(.*)\1$/;

/** RFC 9110 allows whole seconds only. Partners also send fractions, a unit and, for a past time, a minus sign. */
const SECONDS = /^(-?\d+(?:\.\d*)?)(?: ?s(?:ec(?:ond)?s?)?)?$/i;

/**
 * The three date formats of HTTP (RFC 9110, 5.6.7), the last of which implies GMT, and ISO 8601. The first two may have
 * another zone, as in mail (RFC 5322).
 */
const DATES = [
  /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|UTC|[+-]\d{4})$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d (GMT|UTC|[+-]\d{4})$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/,
];

/** A date with a zone. */
const ZONED = /(GMT|UTC|Z|[T ][\d:.]+[+-]\d\d:\d\d|[+-]\d{4})$/;

/**
 * The wait that a partner requests by `Retry-After` (RFC 9110, 10.2.3), in seconds or until a date. Of several values the
 * longest counts. A wait is rounded up to milliseconds.
 *
 * `RateLimit-Reset`, `X-RateLimit-Reset` and `Retry-After-Ms` are ignored: successful responses have them too, and their
 * unit differs between partners.
 *
 * @returns 0 to `MAX_RETRY_AFTER_MS`, 0 for a time in the past; undefined if no value is readable
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || header.length > MAX_CHARACTERS) return undefined;
  const waitsMs = header.split(BETWEEN_VALUES).map((value) => waitMs(unquoted(value.trim()), nowMs));
  const readable = waitsMs.filter((ms) => ms !== undefined);
  if (readable.length === 0) return undefined;
  return Math.min(Math.max(0, ...readable), MAX_RETRY_AFTER_MS);
}

/** The wait after a 429 without `Retry-After`: about the delays before the second and third attempt together. */
const DEFAULT_THROTTLE_WAIT_MS = 5_000;

/** Responses to concurrent requests arrive within this time, so that together they lower the rate once. */
const MIN_THROTTLE_WAIT_MS = 1_000;

/** How long no request is sent to an endpoint that throttled one, in milliseconds. */
export function throttledRetryAfterMs(requestedMs = DEFAULT_THROTTLE_WAIT_MS): number {
  return Math.max(MIN_THROTTLE_WAIT_MS, requestedMs);
}

function unquoted(value: string): string {
  return QUOTED.exec(value)?.[2]?.trim() ?? value;
}

function waitMs(value: string, nowMs: number): number | undefined {
  const ms = Number(SECONDS.exec(value)?.[1] ?? Number.NaN) * 1000;
  // Some partners send a Unix time in seconds.
  if (Math.abs(ms - nowMs) <= DAY_MS) return Math.ceil(ms - nowMs);
  return Number.isNaN(ms) ? untilDateMs(value, nowMs) : Math.ceil(ms);
}

function untilDateMs(value: string, nowMs: number): number | undefined {
  // Only these formats: Date.parse also accepts a bare year, and reads a date without a zone as local time.
  if (!DATES.some((form) => form.test(value))) return undefined;
  const untilMs = Date.parse(ZONED.test(value) ? value : `${value}${value.includes('-') ? 'Z' : ' GMT'}`);
  // Date.parse ignores digits beyond milliseconds: round up.
  return Number.isNaN(untilMs) ? undefined : untilMs + (/\.\d{4,}/.test(value) ? 1 : 0) - nowMs;
}

/** After this number of forms an environment logs no further ones. */
const MAX_LOGGED_FORMS = 1_000;

/** Reads an integration's `Retry-After`, as `retryAfterMs` does. */
export type RetryAfterReader = (integrationId: string, header: string | undefined, nowMs: number) => number | undefined;

/** @returns a reader that logs an unreadable header once per integration, form and environment */
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

/** `in 5 minutes` has the form `a 9 a`, which shows the format without its content: a header may contain anything. */
function formOf(header: string): string {
  return header
    .slice(0, 40)
    .replace(/\p{L}+/gu, 'a')
    .replace(/\p{N}+/gu, '9')
    .replace(/[^ -~]+/g, '?');
}
