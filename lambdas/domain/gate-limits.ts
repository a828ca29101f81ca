/** What the gate goes by, in milliseconds where nothing else is said. The rules are in `gate.ts`. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * Over so long the requests of one minute are spread: a minute and 2%. A partner that counts by windows of a minute by
 * its own clock never counts one more than it allows.
 */
export const SPREAD_MS = 1.02 * MINUTE_MS;

/** A reservation that was not used so long after its time serves no more. */
export const LAPSE_MS = MINUTE_MS;

/** Nothing is reserved further ahead: a delivery is not kept longer than 72 hours. */
export const MAX_AHEAD_MS = 72 * HOUR_MS;

/** What would have to be reserved further ahead asks again after this, without a reservation. */
export const ASK_AGAIN_MS = HOUR_MS;

/** The longest hold that one report can ask for: the cap of `Retry-After`. */
export const MAX_HOLD_MS = HOUR_MS;

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

/** How long an endpoint counts as slow after the last sign of it. */
export const SLOW_MS = 30 * SECOND_MS;

/** So long after the last moment that a record speaks of it is forgotten: longer than parked deliveries sleep. */
export const FORGET_MS = HOUR_MS;
