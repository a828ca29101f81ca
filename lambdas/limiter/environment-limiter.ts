import { MAX_RETRY_AFTER_MS } from '../partners/retry-after.ts';
import type { LimitedIntegration, LimiterDecision, LimiterReport, LimiterResponse } from './limiter.ts';
import { epochOf } from './limiter-record.ts';
import {
  MAX_AHEAD_OF_SLOW_MS,
  MAX_IN_FUNCTION_WAIT_MS,
  MAX_PACE_ALONE,
  MINUTE_MS,
  SLOW_MS,
  SLOW_PAIR_MS,
  SPREAD_MS,
} from './limiter-settings.ts';

/** The most integrations that a document may hold. */
const MAX_RECORDS = 2_000;

/** The state of one integration in this environment. Times are milliseconds since the epoch, 0 for never. */
interface EnvironmentRecord {
  epoch: number;
  /** Earliest time of the next request. */
  sendFromMs: number;
  /** When the next delivery that must wait asks again. */
  returnFromMs: number;
  notBeforeMs: number;
  /** Until when the pace after a throttled request applies. */
  pacedUntilMs: number;
  slowAtMs: number;
  slowUntilMs: number;
}

export interface EnvironmentLimiterOptions {
  /** Number of environments of both functions that may send at the same time, 1 or more. */
  readonly environments: number;
  /** Largest number of attempts that a slow endpoint may have in flight, over all environments. */
  readonly slowAttempts: number;
  readonly random?: () => number;
}

/**
 * Limits the requests of one environment while Valkey does not respond: it sends `limit ÷ environments`, so that all of
 * them together stay within the integration's limit, and rejects nothing.
 *
 * It honours `Retry-After`, sends a share of `MAX_PACE_ALONE` for a minute after that of a throttled request, and hands
 * deliveries to a slow endpoint to the workflow, by what this environment has seen. It has no circuit breaker: attempts at a
 * failing endpoint are sent by the retry policy. It honours no reservation, because another environment may have made it; a
 * delivery that must wait asks again, and until then is spread as the requests are.
 */
export class EnvironmentLimiter {
  readonly #options: EnvironmentLimiterOptions;
  readonly #random: () => number;
  readonly #records = new Map<string, EnvironmentRecord>();

  constructor(options: EnvironmentLimiterOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  get size(): number {
    return this.#records.size;
  }

  /** @param count the number of attempts that ask */
  acquire(integration: LimitedIntegration, count: number, nowMs: number): LimiterResponse {
    const record = this.#record(integration);
    const isSlow = nowMs < record.slowUntilMs;
    const intervalMs = this.#intervalMs(integration, record, nowMs);
    // Jitter, so that environments that start at the same time do not send at the same time.
    if (record.sendFromMs === 0 && intervalMs > 0) record.sendFromMs = nowMs + intervalMs * this.#random();
    const decisions = Array.from({ length: count }, () => place(record, intervalMs, nowMs));
    return { decisions, isSlow, wantsReport: false };
  }

  /** Stores a partner's `Retry-After`, and whether it throttled a request. */
  report(integration: LimitedIntegration, { retryAfterMs, throttled }: LimiterReport, nowMs: number): void {
    const record = this.#record(integration);
    if (retryAfterMs > 0)
      record.notBeforeMs = Math.max(record.notBeforeMs, nowMs + Math.min(Math.ceil(retryAfterMs), MAX_RETRY_AFTER_MS));
    if (throttled === 0) return;
    record.pacedUntilMs = record.notBeforeMs + MINUTE_MS;
    // Each environment at another time after the wait.
    const laterMs = this.#intervalMs(integration, record, nowMs) * this.#random();
    record.sendFromMs = Math.max(record.sendFromMs, record.notBeforeMs + laterMs);
  }

  /** Notes that a request waits for its response. Two within `SLOW_PAIR_MS` make the endpoint slow. */
  slow(integration: LimitedIntegration, nowMs: number): void {
    const record = this.#record(integration);
    const isSlow = nowMs < record.slowUntilMs || nowMs <= record.slowAtMs + SLOW_PAIR_MS;
    if (isSlow) record.slowUntilMs = nowMs + SLOW_MS;
    record.slowAtMs = nowMs;
  }

  /** Interval between two requests of this environment, in milliseconds; 0 without a limit. */
  #intervalMs(
    { max_requests_per_minute: own, timeout_seconds }: LimitedIntegration,
    { slowUntilMs, pacedUntilMs }: EnvironmentRecord,
    nowMs: number,
  ): number {
    const isSlow = nowMs < slowUntilMs;
    const pace = nowMs < pacedUntilMs ? MAX_PACE_ALONE : Number.POSITIVE_INFINITY;
    const { environments, slowAttempts } = this.#options;
    // Requests per minute that keep `slowAttempts` in flight if each takes its whole timeout (Little's law).
    const implied = isSlow ? (slowAttempts * MINUTE_MS) / (timeout_seconds * 1000) : Number.POSITIVE_INFINITY;
    const share = Math.min(own ?? Number.POSITIVE_INFINITY, implied, pace) / environments;
    // Rounded down, so that the shares never add up to more than the limit in any minute.
    return SPREAD_MS / (share > 1 ? Math.floor(share) : share);
  }

  #record(integration: LimitedIntegration): EnvironmentRecord {
    const { id } = integration;
    const epoch = epochOf(integration);
    const known = this.#records.get(id) ?? { ...UNKNOWN, epoch };
    // After a change of address, or a resumption, only the rate limit still applies.
    const record = known.epoch === epoch ? known : { ...UNKNOWN, epoch, sendFromMs: known.sendFromMs };
    // A map iterates in insertion order, so the first key is the least recently used one.
    this.#records.delete(id);
    this.#records.set(id, record);
    const [oldest] = this.#records.keys();
    if (this.#records.size > MAX_RECORDS && oldest !== undefined) this.#records.delete(oldest);
    return record;
  }
}

const UNKNOWN: EnvironmentRecord = {
  epoch: 0,
  sendFromMs: 0,
  returnFromMs: 0,
  notBeforeMs: 0,
  pacedUntilMs: 0,
  slowAtMs: 0,
  slowUntilMs: 0,
};

/** Decides the time of one attempt. If it is due within `MAX_IN_FUNCTION_WAIT_MS`, the function itself waits for it. */
function place(record: EnvironmentRecord, intervalMs: number, nowMs: number): LimiterDecision {
  const freeMs = Math.ceil(Math.max(nowMs, record.sendFromMs, record.notBeforeMs));
  if (freeMs <= nowMs + MAX_IN_FUNCTION_WAIT_MS) {
    record.sendFromMs = freeMs + intervalMs;
    return freeMs > nowMs ? { verdict: 'wait', atMs: freeMs, isReserved: intervalMs > 0 } : { verdict: 'allow' };
  }
  // Not further ahead, because Valkey may be available again long before.
  const lastMs = Math.max(record.notBeforeMs, nowMs + MAX_AHEAD_OF_SLOW_MS);
  const atMs = Math.min(lastMs, Math.ceil(Math.max(freeMs, record.returnFromMs)));
  record.returnFromMs = atMs + intervalMs;
  return { verdict: 'wait', atMs, isReserved: false };
}
