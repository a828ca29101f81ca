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

interface Poller {
  /** Until then its batch is processed. */
  busyUntil: number;
  /** Its batch is handed over then; undefined while it has none. */
  closesAt: number | undefined;
  messages: number;
  hasMiss: boolean;
}

/**
 * Simulates Lambda's pollers, which only AWS has: a message goes to any poller that is free, which gathers a batch for the
 * window and is then occupied while the batch is processed. Each batch with a miss is one query.
 *
 * @param arrivals in order
 */
export function poll(arrivals: Iterable<Arrival>, mapping: Mapping, random: Random): Polled {
  const { batchSize, windowSeconds, seconds } = mapping;
  const pollers = Array.from(
    { length: mapping.pollers },
    (): Poller => ({ busyUntil: 0, closesAt: undefined, messages: 0, hasMiss: false }),
  );
  const waiting: Arrival[] = [];
  const queriesAt: number[] = [];
  let invocations = 0;

  function handOver(poller: Poller, atSeconds: number): void {
    invocations += 1;
    if (poller.hasMiss) queriesAt.push(atSeconds);
    poller.busyUntil = atSeconds + (poller.hasMiss ? seconds.query : seconds.hits);
    poller.closesAt = undefined;
    poller.messages = 0;
    poller.hasMiss = false;
  }

  function take(poller: Poller, { isMiss }: Arrival, atSeconds: number): void {
    poller.closesAt ??= atSeconds + windowSeconds;
    poller.messages += 1;
    poller.hasMiss ||= isMiss;
    if (poller.messages >= batchSize) handOver(poller, atSeconds);
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
function earliest(pollers: readonly Poller[], isWaiting: boolean) {
  let next: { readonly poller: Poller; readonly atSeconds: number } | undefined;
  for (const poller of pollers) {
    const atSeconds = poller.closesAt ?? (isWaiting ? poller.busyUntil : undefined);
    if (atSeconds !== undefined && (next === undefined || atSeconds < next.atSeconds)) next = { poller, atSeconds };
  }
  return next;
}
