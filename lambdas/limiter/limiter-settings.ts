/** Settings of the limiter, in milliseconds unless another unit is named. The rules are in `adapters/valkey/limiter-script.ts`. */

const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * The requests of one minute are spread over a minute and 2%, so that a partner that counts by windows of a minute by its own
 * clock does not find one too many. Two things can still exceed the limit: a reserved slot may be used up to `LAPSE_MS` late,
 * so that after a stall the requests of one minute come together with those of the next; and the second request after a 401,
 * like fetching a token, is not counted.
 */
export const SPREAD_MS = 1.02 * MINUTE_MS;

/** A reservation lapses so long after its time. */
export const LAPSE_MS = MINUTE_MS;

/** Nothing is reserved further ahead: a delivery is not kept longer than 72 hours. */
export const MAX_AHEAD_MS = 72 * HOUR_MS;

/** A delivery whose slot would be further ahead asks again after this, without a reservation. */
export const ASK_AGAIN_MS = HOUR_MS;

/**
 * The longest wait for a slot in the function itself. SQS delays by whole seconds; the function waits for the rest of the last
 * one, so that a burst is spread evenly. An attempt that waits there does not ask again before it is sent.
 */
export const MAX_IN_FUNCTION_WAIT_MS = SECOND_MS;

/**
 * The pace, in requests a minute, is the rate limit after a partner has refused requests as too many: half of the limit or
 * pace that was refused, or `FIRST_PACE` where there was none. Each success adds 1, so that it doubles within a minute in
 * which it is used up. It ends at the integration's own limit, without one at `MAX_PACE`, and in any case `PACE_MS` after
 * the last `Retry-After` that came with a refusal.
 */
export const FIRST_PACE = 300;

/** One request in five minutes: a partner who refuses all of them costs 288 attempts a day, of all deliveries together. */
export const MIN_PACE = 0.2;

export const MAX_PACE = 6_000;
export const PACE_MS = HOUR_MS;

/** The number of failures in a row that opens the breaker: as many as one batch holds, so one bad batch is enough. */
export const FAILURES_TO_OPEN = 10;

/** How long a breaker stays open before a probe; after each probe that fails, as long again. */
export const OPEN_MS = 30 * SECOND_MS;

/** The same for an endpoint that answered 410: the partner has to bring it back. */
export const GONE_MS = HOUR_MS;

/** A probe without a report is given up after this: the task's 330 s, the longest attempt, and a margin. */
export const PROBE_LEASE_MS = 6 * MINUTE_MS;

/** Two requests that wait, noticed within this time, make an endpoint slow; one may be chance. */
export const SLOW_PAIR_MS = 5 * SECOND_MS;

/** The weight of the newest duration in the smoothed one. */
export const LATENCY_WEIGHT = 0.3;

/**
 * Nothing is reserved further ahead because of slowness alone, and a delivery without a slot asks again after this: the
 * endpoint may be well before, and a delivery that waits longer would not learn of it. With 10% jitter it is within SQS's
 * longest delay.
 */
export const MAX_AHEAD_OF_SLOW_MS = 10 * MINUTE_MS;

/**
 * How long an endpoint counts as slow after the last sign of it. It is longer than the interval between attempts that take
 * 300 s each (30.6 s): otherwise the endpoint would count as well between two of them, and everything would be sent.
 */
export const SLOW_MS = MINUTE_MS;

/** A record is forgotten so long after the last time that it holds: longer than a parked delivery waits. */
export const FORGET_MS = HOUR_MS;
