/** Settings of the limiter, in milliseconds unless another unit is named. The rules are in `limiter-script.ts`. */

const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * The requests of one minute are spread over a minute and 2%, so that a partner that counts in windows of a minute by its own
 * clock never counts one too many. Two cases can still exceed the limit. A reserved slot may be used up to `LAPSE_MS` late, so
 * after a stall the requests of two minutes can arrive in one. And neither the second request after a 401 nor a token
 * request is counted.
 */
export const SPREAD_MS = 1.02 * MINUTE_MS;

/** A reservation lapses this long after its time. */
export const LAPSE_MS = MINUTE_MS;

/** Nothing is reserved further ahead, because a delivery stays parked for at most 72 hours. */
export const MAX_AHEAD_MS = 72 * HOUR_MS;

/** A delivery whose slot would be further ahead asks again after this time, without a reservation. */
export const ASK_AGAIN_MS = HOUR_MS;

/**
 * Longest wait for a slot in the function itself. SQS delays by whole seconds, so the function waits for the remaining
 * fraction, and a burst is spread evenly. An attempt that waits in the function does not ask again before it is sent.
 */
export const MAX_IN_FUNCTION_WAIT_MS = SECOND_MS;

/**
 * The pace, in requests a minute, is the rate at an integration whose partner throttles requests. It starts at what the partner
 * accepted before, and until the end of the wait that it asked for. A wave of refusals multiplies it by `DECREASE`, or sets it
 * to what was accepted since the wave before, if that is less. If nothing was accepted, it is halved, and at most `PROBE_PACE`.
 *
 * Each success adds to it: `FIRST_INCREASE` until the pace has been refused once. Later `INCREASE`, which takes one and a half
 * minutes at any pace until it is where it was refused (so a partner of one a second refuses less than one a minute), and
 * `FAST_INCREASE` above, which doubles it in 40 seconds. Far below it, it grows by the factor `RECOVERY`.
 *
 * It ends at the integration's own limit, without one at `MAX_PACE`, and in any case `PACE_MS` after the last `Retry-After` of a
 * throttled request; but not while deliveries wait in its queue.
 */
export const DECREASE = 0.85;
export const FIRST_INCREASE = 3;
export const INCREASE = 0.1;
export const FAST_INCREASE = 1;
export const RECOVERY = 1.25;
export const PROBE_PACE = 30;

/** A wave so soon after the end of a wait does not show at which pace the partner refuses. */
export const RESTART_MS = 2 * SECOND_MS;

/** One request in five minutes: a partner that refuses all of them costs 288 attempts a day, over all its deliveries. */
export const MIN_PACE = 0.2;

/** 2,000 a second, about what all functions of a stage send at most. */
export const MAX_PACE = 120_000;
export const PACE_MS = HOUR_MS;

/**
 * The pace of all environments together while Valkey does not respond, for a minute after the `Retry-After` of a throttled
 * request: they cannot find out what the partner accepts from all of them.
 */
export const MAX_PACE_ALONE = 60;

/** What is sent without a pace is counted over the last one to two of these times. */
export const SAMPLE_MS = 2.5 * SECOND_MS;

/**
 * An attempt may take the next free slot when its turn is at most this far ahead. So some ask early, and no slot stays free
 * because the attempt whose turn it is comes late.
 */
export const NEXT_MS = 2 * SECOND_MS;

/**
 * An attempt asks again after a share of its wait, because the pace changes meanwhile: after 75% with a steady pace, or while the
 * pace recovers after 25%, and at most `RECOVERY_MS` or 15 intervals.
 */
export const STEADY_SHARE = 0.75;
export const RECOVERY_SHARE = 0.25;
export const RECOVERY_MS = 30 * SECOND_MS;
export const RECOVERY_INTERVALS = 15;

/** In the last part of a `Retry-After` the pace is known, because the responses to concurrent requests have arrived. */
export const SETTLED_MS = 0.5 * SECOND_MS;

/** Consecutive failures that open the circuit breaker: the size of one batch, so that one bad batch is enough. */
export const FAILURES_TO_OPEN = 10;

/** Time before an open circuit breaker allows a probe, and before the next one after a probe that failed. */
export const OPEN_MS = 30 * SECOND_MS;

/** The same for an endpoint that responded with 410: the partner has to restore it. */
export const GONE_MS = HOUR_MS;

/**
 * A certificate that is expired or incomplete parks the integration after this number of failures within
 * `CERTIFICATE_WINDOW_MS`, without a success between them. It is probed as a gone endpoint is.
 */
export const CERTIFICATE_FAILURES = 3;
export const CERTIFICATE_WINDOW_MS = 10 * MINUTE_MS;

/** A probe without a report expires after this: the task's 330 s, the longest attempt, and a margin. */
export const PROBE_LEASE_MS = 6 * MINUTE_MS;

/** Two waiting requests within this time make an endpoint slow; a single one may be chance. */
export const SLOW_PAIR_MS = 5 * SECOND_MS;

/** The weight of the newest duration in the smoothed one. */
export const LATENCY_WEIGHT = 0.3;

/**
 * Nothing is reserved further ahead because of slowness alone, and a delivery without a slot asks again after this time:
 * the endpoint may have recovered by then. With 10% jitter it is within SQS's longest delay.
 */
export const MAX_AHEAD_OF_SLOW_MS = 10 * MINUTE_MS;

/**
 * How long an endpoint counts as slow after its last slow response. Longer than the interval between attempts that take
 * 300 s each (30.6 s): otherwise the endpoint would count as fast between two attempts, and everything would be sent.
 */
export const SLOW_MS = MINUTE_MS;

/** A record expires this long after the last time in it: longer than a parked delivery waits between two checks. */
export const FORGET_MS = HOUR_MS;
