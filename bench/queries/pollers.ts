/**
 * How many queries arrivals cost, in simulated time: an hour of them is counted in a second. What is simulated is Lambda's
 * reading of a queue, which no machine here can be asked about; what a batch costs is counted for real, see `backlog.ts`.
 */

export interface Arrivals {
  /** Of a Poisson process. */
  readonly perSecond: number;
  /** Of so many events, 0 to 1, the cache knows the answer. All others are of learners never asked about. */
  readonly repeatShare: number;
  readonly seconds: number;
}

export interface Mapping {
  /** Batches that Lambda gathers side by side; it starts with five. */
  readonly pollers: number;
  readonly batchSize: number;
  /** From a batch's first message on. */
  readonly windowSeconds: number;
  /** How long a poller takes no message while its batch is worked on. */
  readonly busySeconds: number;
}

interface Poller {
  /** When its batch is given away, whether full or not; before its first message there is none. */
  closesAt: number | undefined;
  freeAt: number;
  size: number;
  misses: number;
}

/**
 * Queries that the arrivals cost: one for each batch with a miss. A message goes to any of the pollers that wait, as one of
 * several long polls on a queue gets it.
 *
 * @param random 0 to 1, exclusive
 */
export function countQueries(arrivals: Arrivals, mapping: Mapping, random: () => number): number {
  const { perSecond, repeatShare, seconds } = arrivals;
  const pollers = Array.from({ length: mapping.pollers }, idlePoller);
  let queries = 0;
  const close = (poller: Poller, at: number) => {
    if (poller.misses > 0) queries += 1;
    Object.assign(poller, idlePoller(), { freeAt: at + mapping.busySeconds });
  };
  for (let at = wait(perSecond, random); at < seconds; at += wait(perSecond, random)) {
    for (const poller of pollers)
      if (poller.closesAt !== undefined && poller.closesAt <= at) close(poller, poller.closesAt);
    const poller = takerAt(at, pollers, random);
    const takenAt = Math.max(at, poller.freeAt);
    poller.closesAt ??= takenAt + mapping.windowSeconds;
    poller.size += 1;
    if (random() >= repeatShare) poller.misses += 1;
    if (poller.size === mapping.batchSize) close(poller, takenAt);
  }
  for (const poller of pollers) if (poller.closesAt !== undefined) close(poller, poller.closesAt);
  return queries;
}

function idlePoller(): Poller {
  return { closesAt: undefined, freeAt: 0, size: 0, misses: 0 };
}

function wait(perSecond: number, random: () => number): number {
  return -Math.log(1 - random()) / perSecond;
}

/** One of those that are free; where none is, the first one that will be. */
function takerAt(at: number, pollers: readonly Poller[], random: () => number): Poller {
  const free = pollers.filter(({ freeAt }) => freeAt <= at);
  const chosen = free[Math.floor(random() * free.length)];
  return chosen ?? pollers.reduce((first, each) => (each.freeAt < first.freeAt ? each : first));
}

/**
 * The least whole number from `least` to `most` for which `isEnough`; undefined where there is none.
 *
 * @param isEnough holds for all numbers over the first for which it does
 */
export function leastEnough(least: number, most: number, isEnough: (value: number) => boolean): number | undefined {
  if (!isEnough(most)) return undefined;
  let [low, high] = [least, most];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Numbers from 0 to 1, the same for the same seed: a simulation that is run again says the same. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // Mulberry32: a public-domain generator of 32 bits, good enough for arrivals.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
