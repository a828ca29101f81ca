import type { Random } from './random.ts';

/** An event source mapping, and how long its function takes. */
export interface Mapping {
  readonly batchSize: number;
  /** 0: a poller hands over what there is at once. */
  readonly windowSeconds: number;
  /** Lambda begins with five. */
  readonly pollers: number;
  readonly seconds: { readonly hits: number; readonly query: number };
}

export interface Arrival {
  readonly atSeconds: number;
  readonly isMiss: boolean;
}

export interface Polled {
  readonly invocations: number;
  /** When each batch with a miss began its query, in seconds, in ascending order. */
  readonly queriesAt: readonly number[];
}

interface Poller<Each extends Arrival> {
  /** Until then its batch is processed. */
  busyUntil: number;
  /** Its batch is handed over then; undefined while it has none. */
  closesAt: number | undefined;
  batch: Each[];
}

/**
 * Simulates Lambda's pollers, which only AWS has: a message goes to any poller that is free, which gathers a batch for the
 * window and is then occupied while the batch is processed. Each batch with a miss is one query.
 *
 * @param arrivals in order
 * @param onBatch receives each batch when it is handed over
 */
export function poll<Each extends Arrival>(
  arrivals: Iterable<Each>,
  mapping: Mapping,
  random: Random,
  onBatch: (batch: readonly Each[]) => void = () => {},
): Polled {
  const { batchSize, windowSeconds, seconds } = mapping;
  const pollers = Array.from(
    { length: mapping.pollers },
    (): Poller<Each> => ({ busyUntil: 0, closesAt: undefined, batch: [] }),
  );
  const waiting: Each[] = [];
  const queriesAt: number[] = [];
  let invocations = 0;

  function handOver(poller: Poller<Each>, atSeconds: number): void {
    const hasMiss = poller.batch.some(({ isMiss }) => isMiss);
    invocations += 1;
    if (hasMiss) queriesAt.push(atSeconds);
    onBatch(poller.batch);
    poller.busyUntil = atSeconds + (hasMiss ? seconds.query : seconds.hits);
    poller.closesAt = undefined;
    poller.batch = [];
  }

  function take(poller: Poller<Each>, arrival: Each, atSeconds: number): void {
    poller.closesAt ??= atSeconds + windowSeconds;
    poller.batch.push(arrival);
    if (poller.batch.length >= batchSize) handOver(poller, atSeconds);
  }

  /** Hands over what is due, and lets free pollers take what waits, up to this time. */
  function advance(untilSeconds: number): void {
    for (;;) {
      const next = earliest(pollers, waiting.length > 0);
      if (next === undefined || next.atSeconds > untilSeconds) return;
      if (next.poller.closesAt !== undefined) handOver(next.poller, next.atSeconds);
      else {
        // A poll takes all that waits, up to a batch.
        const freeAt = next.poller.busyUntil;
        for (const one of waiting.splice(0, batchSize)) take(next.poller, one, freeAt);
      }
    }
  }

  for (const arrival of arrivals) {
    advance(arrival.atSeconds);
    const free = pollers.filter(({ busyUntil }) => busyUntil <= arrival.atSeconds);
    const chosen = free[Math.floor(random() * free.length)];
    if (chosen === undefined) waiting.push(arrival);
    else take(chosen, arrival, arrival.atSeconds);
  }
  advance(Number.POSITIVE_INFINITY);
  return { invocations, queriesAt: queriesAt.toSorted((a, b) => a - b) };
}

/** The next poller that hands over its batch or, while messages wait, that is free for them. */
function earliest<Each extends Arrival>(pollers: readonly Poller<Each>[], isWaiting: boolean) {
  let next: { readonly poller: Poller<Each>; readonly atSeconds: number } | undefined;
  for (const poller of pollers) {
    const atSeconds = poller.closesAt ?? (isWaiting ? poller.busyUntil : undefined);
    if (atSeconds !== undefined && (next === undefined || atSeconds < next.atSeconds)) next = { poller, atSeconds };
  }
  return next;
}
