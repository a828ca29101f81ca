/** What the gate goes by, in milliseconds where nothing else is said. The rules are in `adapters/valkey/gate-script.ts`. */

const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * Over so long the requests of one minute are spread: a minute and 2%, so that a partner that counts by windows of a minute
 * by its own clock does not find one too many. No more than that: what was reserved may be sent up to `LAPSE_MS` late,
 * so after a stall the requests of one minute can come together with those of the next; and the second request after a
 * 401, like fetching a token, is not counted.
 */
export const SPREAD_MS = 1.02 * MINUTE_MS;

/** A reservation that was not used so long after its time serves no more. */
export const LAPSE_MS = MINUTE_MS;

/** Nothing is reserved further ahead: a delivery is not kept longer than 72 hours. */
export const MAX_AHEAD_MS = 72 * HOUR_MS;

/** What would have to be reserved further ahead asks again after this, without a reservation. */
export const ASK_AGAIN_MS = HOUR_MS;

/**
 * The longest wait for a free moment in the function itself: SQS delays by whole seconds, and what is left of the last
 * one is waited for there, so that a burst is spread evenly. Whoever waits so does not ask again before it goes out.
 */
export const MAX_PAUSE_MS = SECOND_MS;

/** The longest hold that one report can ask for: the cap of `Retry-After`. */
export const MAX_HOLD_MS = HOUR_MS;

/**
 * The pace, in requests a minute, is what the limiter goes by after a partner has refused requests as too many: half of the
 * limit or pace that was refused, or `FIRST_PACE` where there was none. Each success adds 1, so that it doubles within a
 * minute in which it is used up. It ends at the integration's own limit, without one at `MAX_PACE`, and in any case
 * `PACE_MS` after the last hold that came with a refusal.
 */
export const FIRST_PACE = 300;

/** One request in five minutes: a partner who refuses all of them costs 288 attempts a day, of all deliveries together. */
export const MIN_PACE = 0.2;

export const MAX_PACE = 6_000;
export const PACE_MS = HOUR_MS;

/** So many failures in a row open the breaker: as many as one batch holds, so one bad batch is enough. */
export const FAILURES_TO_OPEN = 10;

/** How long a breaker stays open before a probe finds out; after each probe that failed, as long again. */
export const OPEN_MS = 30 * SECOND_MS;

/** The same for an endpoint that answered 410: somebody has to bring it back. */
export const GONE_MS = HOUR_MS;

/** After this a probe that nobody reported is given up: the task's 330 s, the longest try, and a margin. */
export const PROBE_LEASE_MS = 6 * MINUTE_MS;

/** Two requests that wait, noticed within this time, make an endpoint slow; one may be chance. */
export const SLOW_PAIR_MS = 5 * SECOND_MS;

/** The weight of the newest duration in the smoothed one. */
export const LATENCY_WEIGHT = 0.3;

/**
 * Nothing is reserved further ahead of an endpoint only because it is slow, and who finds no moment asks again after
 * this: it may be well before, and what sleeps would not hear of it. With a tenth of jitter SQS still delays by as much.
 */
export const MAX_AHEAD_OF_SLOW_MS = 10 * MINUTE_MS;

/**
 * How long an endpoint counts as slow after the last sign of it: longer than the interval that its rate has where tries
 * take 300 s (30.6 s), or between two of them it would count as well, and everything would go out.
 */
export const SLOW_MS = MINUTE_MS;

/** So long after the last moment that a record speaks of it is forgotten: longer than parked deliveries sleep. */
export const FORGET_MS = HOUR_MS;
