import type { CertificateFault, ParkedFor } from '../events/delivery.ts';
import type { Integration } from '../partners/integration.ts';

/**
 * The part of an integration that its limiter depends on. A change of address, or a resumption, resets the state of its
 * endpoint, but not of its rate limit.
 */
export type LimitedIntegration = Pick<
  Integration,
  'id' | 'url' | 'resumed_at' | 'max_requests_per_minute' | 'timeout_seconds'
>;

/** An attempt that asks for a slot. */
export interface SlotRequest {
  /** The slot that was reserved for this attempt earlier, in epoch milliseconds. */
  readonly reservedForMs?: number;
  /** Its position in the queue of a throttled integration. */
  readonly position?: number;
}

/** When one attempt may be sent. */
export type LimiterDecision =
  /** Immediately. If the circuit breaker is open, this is the probe. */
  | { readonly verdict: 'allow'; readonly position?: number }
  /**
   * Not before this time, in epoch milliseconds. `isReserved`: the slot is reserved for this attempt, and lapses 60 s later.
   * `position`: its place in the queue of a throttled integration, which it keeps when it asks again.
   */
  | { readonly verdict: 'wait'; readonly atMs: number; readonly isReserved: boolean; readonly position?: number }
  /** The circuit breaker is open: park the delivery without an attempt. */
  | { readonly verdict: 'reject'; readonly reason: RejectReason };

export type RejectReason = Exclude<ParkedFor, 'paused'>;

export interface LimiterResponse {
  /** One per request, in the same order. */
  readonly decisions: readonly LimiterDecision[];
  /** The endpoint responds slowly: the shared queue's function must not wait for it. */
  readonly isSlow: boolean;
  /** Report a success too: there were failures before, this is the probe, the endpoint is slow, or it has a pace. */
  readonly wantsReport: boolean;
}

/** Results of the attempts of one `acquire` call. */
export interface LimiterReport {
  /** Attempts with a response of any status that shows that the endpoint works. */
  readonly passed: number;
  /** Attempts that failed in a retryable way. */
  readonly failed: number;
  /** The endpoint responded with 410. */
  readonly isGone: boolean;
  /** How many of the failed attempts found a faulty certificate on a new connection, and the fault of the last one. */
  readonly certificate?: { readonly fault: CertificateFault; readonly failures: number };
  /** Attempts that were throttled (429, or 503 with `Retry-After`): neither successes nor failures. */
  readonly throttled: number;
  /** Milliseconds since the last of these attempts was sent; 0 without any. */
  readonly sentAgoMs: number;
  /** Milliseconds for which the partner asks for no request (`Retry-After`); 0 for none. */
  readonly retryAfterMs: number;
  /** Average duration of these attempts, in milliseconds; 0 without any. */
  readonly tookMs: number;
}

/** A report has parked the integration, or has found it as before when it was probed. */
export interface Parked {
  readonly reason: Exclude<RejectReason, 'failing'>;
  /** It was not parked for this reason before: exactly one function gets this. */
  readonly isNew: boolean;
}

/**
 * Rate limiter and circuit breaker of each integration, shared by all functions. It never throws: while its store is
 * unavailable, each environment sends its share of each limit, and nothing is rejected.
 */
export interface Limiter {
  /**
   * Asks for slots. An attempt whose slot is at most `MAX_IN_FUNCTION_WAIT_MS` (limiter-settings.ts) ahead waits for it and
   * is sent without asking again.
   *
   * @param mayProbe whether one of the attempts may probe a failing endpoint; if not, all of them are rejected
   */
  acquire(
    integration: LimitedIntegration,
    requests: readonly SlotRequest[],
    options: { readonly mayProbe: boolean },
  ): Promise<LimiterResponse>;
  /**
   * An empty report releases a probe that was never sent.
   *
   * @returns `resumed` if the report closes the circuit breaker, or is the first success since it was reset by a resumption or
   * another address: exactly one function gets this. Undefined if the report changes neither, or the store is unavailable
   */
  report(integration: LimitedIntegration, report: LimiterReport): Promise<Parked | 'resumed' | undefined>;
  /** Reports that a request still has no response after the slow threshold. */
  reportSlow(integration: LimitedIntegration): Promise<void>;
}
