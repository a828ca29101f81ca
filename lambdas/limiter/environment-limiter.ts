import { MAX_RETRY_AFTER_MS } from '../partners/retry-after.ts';
import type { LimitedIntegration, LimiterDecision, LimiterReport, LimiterResponse } from './limiter.ts';
import { epochOf } from './limiter-record.ts';
import {
  MAX_AHEAD_OF_SLOW_MS,
  MAX_IN_FUNCTION_WAIT_MS,
  MINUTE_MS,
  SLOW_MS,
  SLOW_PAIR_MS,
  SPREAD_MS,
} from './limiter-settings.ts';

/** The most integrations that a document may hold. */
const MAX_RECORDS = 2_000;

/** What this environment knows of an integration. Times are milliseconds since the epoch, 0 for never. */
interface EnvironmentRecord {
  epoch: number;
  /** Its next request may be sent. */
  sendFromMs: number;
  /** The next delivery that must wait asks again. */
  returnFromMs: number;
  notBeforeMs: number;
  slowAtMs: number;
  slowUntilMs: number;
}

export interface EnvironmentLimiterOptions {
  /** How many environments may send at a time, of both functions together, 1 or more. */
  readonly environments: number;
  /** The most attempts that a slow endpoint may have in flight, over all of them. */
  readonly slowAttempts: number;
  readonly random?: () => number;
}

/**
 * Limits the requests of one environment while Valkey does not respond: it sends `limit ÷ environments`, so that all of
 * them together stay within the integration's limit, and rejects nothing.
 *
 * It honours `Retry-After` and hands deliveries to a slow endpoint to the workflow, by what this environment has seen. It has
 * no circuit breaker: attempts at a failing endpoint are sent by the retry policy. It honours no reservation, because another
 * environment may have made it; a delivery that must wait asks again, and until then is spread as the requests are.
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
    const intervalMs = this.#intervalMs(integration, isSlow);
    // Environments that start together do not send together.
    if (record.sendFromMs === 0 && intervalMs > 0) record.sendFromMs = nowMs + intervalMs * this.#random();
    const decisions = Array.from({ length: count }, () => place(record, intervalMs, nowMs));
    return { decisions, isSlow, wantsReport: false };
  }

  /** Remembers a partner's `Retry-After`. */
  report(integration: LimitedIntegration, { retryAfterMs }: LimiterReport, nowMs: number): void {
    const record = this.#record(integration);
    if (retryAfterMs > 0)
      record.notBeforeMs = Math.max(record.notBeforeMs, nowMs + Math.min(Math.ceil(retryAfterMs), MAX_RETRY_AFTER_MS));
  }

  /** Remembers that a request waits for its response: the second one of a pair makes the endpoint slow. */
  slow(integration: LimitedIntegration, nowMs: number): void {
    const record = this.#record(integration);
    const isSlow = nowMs < record.slowUntilMs || nowMs <= record.slowAtMs + SLOW_PAIR_MS;
    if (isSlow) record.slowUntilMs = nowMs + SLOW_MS;
    record.slowAtMs = nowMs;
  }

  /** Between two requests of this environment; 0 without a limit. */
  #intervalMs({ max_requests_per_minute: own, timeout_seconds }: LimitedIntegration, isSlow: boolean): number {
    const { environments, slowAttempts } = this.#options;
    // As many as keep `slowAttempts` in flight, where each takes its whole timeout (Little's law).
    const implied = isSlow ? (slowAttempts * MINUTE_MS) / (timeout_seconds * 1000) : Number.POSITIVE_INFINITY;
    const share = Math.min(own ?? Number.POSITIVE_INFINITY, implied) / environments;
    // Rounded down, the shares add up to no more than the limit in any minute, whenever each environment sends.
    return SPREAD_MS / (share > 1 ? Math.floor(share) : share);
  }

  #record(integration: LimitedIntegration): EnvironmentRecord {
    const { id } = integration;
    const epoch = epochOf(integration);
    const known = this.#records.get(id) ?? { ...UNKNOWN, epoch };
    // With another address, or resumed, only the limit still holds.
    const record = known.epoch === epoch ? known : { ...UNKNOWN, epoch, sendFromMs: known.sendFromMs };
    // The one that was used last stands last; with too many, the first goes.
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
  slowAtMs: 0,
  slowUntilMs: 0,
};

/** The time of one attempt. One that is due within `MAX_IN_FUNCTION_WAIT_MS` is sent after a wait in the function itself. */
function place(record: EnvironmentRecord, intervalMs: number, nowMs: number): LimiterDecision {
  const freeMs = Math.ceil(Math.max(nowMs, record.sendFromMs, record.notBeforeMs));
  if (freeMs <= nowMs + MAX_IN_FUNCTION_WAIT_MS) {
    record.sendFromMs = freeMs + intervalMs;
    return freeMs > nowMs ? { verdict: 'wait', atMs: freeMs, isReserved: intervalMs > 0 } : { verdict: 'allow' };
  }
  // Not further ahead, because Valkey may respond long before.
  const lastMs = Math.max(record.notBeforeMs, nowMs + MAX_AHEAD_OF_SLOW_MS);
  const atMs = Math.min(lastMs, Math.ceil(Math.max(freeMs, record.returnFromMs)));
  record.returnFromMs = atMs + intervalMs;
  return { verdict: 'wait', atMs, isReserved: false };
}
