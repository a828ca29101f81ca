import { type Sender, startSender } from '../sender.ts';
import { busyShare } from '../server-use.ts';
import { WARM_LEARNERS } from './events.ts';
import type { CacheState, Enriched, Order, Side } from './orders.ts';
import { type Surroundings, startSurroundings, type Uses } from './surroundings.ts';

export interface EnrichmentBenchOptions {
  readonly rounds: number;
  /** How long each side runs in each round. */
  readonly seconds: number;
  /** Of the smallest growth; the others have 10 and 100 times as many. At least a batch. */
  readonly events: number;
  /** A sender that shall show growth compiles what is hot with so many events; 5000 by default. */
  readonly warmUpEvents?: number;
  /** Where the senders' CPU profiles are written. */
  readonly profileDirectory?: string | undefined;
}

/** How busy servers were, as shares of a core. */
export type Busy = Readonly<Record<keyof Uses, number>>;

export interface Run extends Enriched {
  readonly busy: Busy;
}

export const SIDES = {
  warm: ['bare', 'ours', 'reference'],
  cold: ['ours', 'reference'],
} as const satisfies Record<CacheState, readonly Side[]>;

/** What was measured, a run for each round: all in turns. */
export interface Measured {
  readonly warm: Readonly<Record<(typeof SIDES.warm)[number], Run[]>>;
  readonly cold: Readonly<Record<(typeof SIDES.cold)[number], Run[]>>;
  /** By how many times the events and integrations there were. */
  readonly growth: Readonly<Record<Growth, Run[]>>;
}

export const GROWTHS = [1, 10, 100] as const;
export type Growth = (typeof GROWTHS)[number];

/** Of the smallest growth, and of all else. */
export const INTEGRATIONS = 10;

/** The largest growth takes many times as long as all else in a round, and is measured so often at the most. */
const MAX_GROWTH_ROUNDS = 2;

/** Before anything counts each side runs so many times as long: V8 compiles what is hot. */
const WARM_UP_TIMES = 4;

/**
 * Measures all sides in turns, so that what else the machine does meets all of them: forwards in one round, backwards in
 * the next.
 *
 * @throws Error where an event fails or is not enriched
 */
export async function measureEnrichment(options: EnrichmentBenchOptions): Promise<Measured> {
  const measured: Measured = {
    warm: { bare: [], ours: [], reference: [] },
    cold: { ours: [], reference: [] },
    growth: { 1: [], 10: [], 100: [] },
  };
  const surroundings = await startSurroundings();
  try {
    await measureSides(measured, surroundings, options);
    for (let round = 0; round < Math.min(options.rounds, MAX_GROWTH_ROUNDS); round += 1) {
      for (const times of inTurn(GROWTHS, round)) {
        measured.growth[times].push(await grow(times, surroundings, options));
      }
    }
    return measured;
  } finally {
    await surroundings.stop();
  }
}

async function measureSides(
  { warm, cold }: Measured,
  surroundings: Surroundings,
  { rounds, seconds, profileDirectory }: EnrichmentBenchOptions,
): Promise<void> {
  const sender = await startEnricher(surroundings, INTEGRATIONS, profileDirectory);
  try {
    const run = (side: Side, cache: CacheState, forSeconds: number) =>
      perform(sender, surroundings, { side, cache, until: { ms: forSeconds * 1000 } });
    await fillCache(sender);
    for (const side of SIDES.warm) await run(side, 'warm', WARM_UP_TIMES * seconds);
    for (const side of SIDES.cold) await run(side, 'cold', WARM_UP_TIMES * seconds);
    for (let round = 0; round < rounds; round += 1) {
      for (const side of inTurn(SIDES.warm, round)) warm[side].push(await run(side, 'warm', seconds));
      for (const side of inTurn(SIDES.cold, round)) cold[side].push(await run(side, 'cold', seconds));
    }
  } finally {
    await sender.stop();
  }
}

/**
 * A process of its own each time: nothing of a larger one is left on its heap. It warms up in portions as small as the
 * smallest growth, each with a collection after it.
 */
async function grow(
  times: Growth,
  surroundings: Surroundings,
  { events, warmUpEvents = 5_000, profileDirectory }: EnrichmentBenchOptions,
): Promise<Run> {
  const sender = await startEnricher(surroundings, INTEGRATIONS * times, profileDirectory);
  try {
    const portion = Math.min(events, warmUpEvents);
    for (let done = 0; done < warmUpEvents; done += portion) {
      await sender.perform({ side: 'ours', cache: 'warm', until: { events: portion } });
    }
    return await perform(sender, surroundings, { side: 'ours', cache: 'warm', until: { events: events * times } });
  } finally {
    await sender.stop();
  }
}

/**
 * Each side's own: what one writes the other cannot read. Nothing is measured yet, so a cache that is not there in its
 * 200 ms, as on a machine that others use, is asked again.
 */
async function fillCache(sender: Sender<Order, Enriched>): Promise<void> {
  for (const side of ['ours', 'reference'] as const) {
    const fill = () => sender.perform({ side, cache: 'warm', until: { events: WARM_LEARNERS } });
    await fill().catch(fill).catch(fill);
  }
}

function startEnricher({ variablesFor }: Surroundings, integrations: number, profileDirectory?: string) {
  const file = new URL('./sender.ts', import.meta.url);
  return startSender<Order, Enriched>(file, variablesFor(integrations), profileDirectory);
}

async function perform(sender: Sender<Order, Enriched>, { uses }: Surroundings, order: Order): Promise<Run> {
  const before = await uses();
  const run = await sender.perform(order);
  const after = await uses();
  const enriched = after.queue.enriched - before.queue.enriched;
  if (enriched !== run.events) throw new Error(`${order.side}: of ${run.events} events ${enriched} were sent enriched`);
  const statements = after.warehouse.statements - before.warehouse.statements;
  if ((order.cache === 'warm') !== (statements === 0)) throw new Error(`${order.cache}, with ${statements} queries`);
  const share = (server: keyof Uses) => busyShare(before[server], after[server], run.elapsedMs);
  return { ...run, busy: { queue: share('queue'), warehouse: share('warehouse'), cache: share('cache') } };
}

function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? all : all.toReversed();
}
