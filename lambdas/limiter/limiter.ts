import type { Integration } from '../partners/integration.ts';

/**
 * The part of an integration that its limiter depends on. With another address, or resumed, what is known of its endpoint
 * begins again; its rate limit goes on.
 */
export type LimitedIntegration = Pick<
  Integration,
  'id' | 'url' | 'resumed_at' | 'max_requests_per_minute' | 'timeout_seconds'
>;

/** An attempt that asks for a slot. */
export interface SlotRequest {
  /** The slot that was reserved for it earlier, in epoch milliseconds. */
  readonly reservedForMs?: number;
}

/** When one attempt may be sent. */
export type LimiterDecision =
  /** At once. With an open circuit breaker it is the probe. */
  | { readonly verdict: 'allow' }
  /** Not before this time, in epoch milliseconds. `isReserved`: it is a slot of its own, and lapses 60 s later. */
  | { readonly verdict: 'wait'; readonly atMs: number; readonly isReserved: boolean }
  /** The circuit breaker is open: park the delivery without an attempt. */
  | { readonly verdict: 'reject'; readonly reason: 'failing' | 'gone' };

export interface LimiterResponse {
  /** One for each request, in their order. */
  readonly decisions: readonly LimiterDecision[];
  /** The endpoint keeps requests waiting: the shared queue's function must not wait for it. */
  readonly isSlow: boolean;
  /** Report a success too: failures were counted before, this is the probe, the endpoint is slow, or it has a pace. */
  readonly wantsReport: boolean;
}

/** How attempts ended that were sent together. */
export interface LimiterReport {
  /** Attempts with a response, whatever its status: the endpoint is alive. */
  readonly passed: number;
  /** Failed in a way that may pass. */
  readonly failed: number;
  /** Answered 410. */
  readonly isGone: boolean;
  /** One or more were refused as too many (429, or 503 with `Retry-After`): neither a success nor a failure. */
  readonly isThrottled: boolean;
  /** The partner asks for no request within so many milliseconds (`Retry-After`); 0 for no such wait. */
  readonly retryAfterMs: number;
  /** The average duration of these attempts, in milliseconds; 0 where there is none. */
  readonly tookMs: number;
}

/**
 * Rate limiter and circuit breaker of each integration, over all functions together. It never throws: without its store an
 * environment sends its share of each limit, and nothing is rejected.
 */
export interface Limiter {
  /**
   * Asks for slots. An attempt with a slot at most `MAX_IN_FUNCTION_WAIT_MS` (limiter-settings.ts) ahead waits for it and is
   * sent, without asking again.
   *
   * @param mayProbe whether one of the attempts may probe a failing endpoint; else all of them are rejected
   */
  acquire(
    integration: LimitedIntegration,
    requests: readonly SlotRequest[],
    options: { readonly mayProbe: boolean },
  ): Promise<LimiterResponse>;
  /** An empty report releases a probe that was never sent. */
  report(integration: LimitedIntegration, report: LimiterReport): Promise<void>;
  /** A request has been waiting for a while and still is. */
  reportSlow(integration: LimitedIntegration): Promise<void>;
}
