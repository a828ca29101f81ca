import { type Bench, inTurn, numberOf, pace, paceOf } from '../bench.ts';
import { busyShare } from '../cpu.ts';
import { startWorker, type Worker } from '../worker.ts';
import { type EnrichmentSurroundings, startEnrichmentSurroundings, type Uses } from './enrichment-surroundings.ts';
import { WARM_LEARNERS } from './events.ts';
import { figuresOf, GROWTHS, type Growth, type Measured, type Run, SIDES } from './figures.ts';
import { BATCH_SIZE, type CacheState, type Enriched, type Order, type Side } from './orders.ts';

interface Options {
  readonly rounds: number;
  /** Duration of each side in each round. */
  readonly seconds: number;
  /** Events of the smallest growth; the others have 10 and 100 times as many. At least a batch. */
  readonly events: number;
  readonly profileDirectory: string | undefined;
}

/** Of the smallest growth, and of everything else. */
const INTEGRATIONS = 10;

/** Maximum number of rounds with the largest growth, which takes many times as long as everything else. */
const MAX_GROWTH_ROUNDS = 2;

/** Length of the warm-up, in measurements: V8 compiles hot code in it. */
const WARM_UP_TIMES = 4;

/** Events of a growth's warm-up. */
const WARM_UP_EVENTS = 5_000;

export const bench: Bench = {
  about: 'enrichment against a bare loop and against the specification’s code, warm, cold and growing',
  options: { ...pace(6, 0.6), events: { type: 'string', default: '500' }, profile: { type: 'string' } },
  usage: [
    '--rounds N --seconds N  number of rounds, and duration of each measurement',
    '--events N              of the smallest growth; the others have 10 and 100 times as many',
    '--profile DIRECTORY     writes the senders’ CPU profiles, for the developer tools of a browser',
  ],
  async measure(values) {
    const measured = await measureEnrichment({
      ...paceOf(values),
      events: Math.round(numberOf(values, 'events', BATCH_SIZE, 10_000)),
      profileDirectory: values.profile as string | undefined,
    });
    return figuresOf(measured);
  },
};

/**
 * Measures all sides in turns, so that other load of the machine affects all of them.
 *
 * @throws Error if an event fails or is not enriched
 */
async function measureEnrichment(options: Options): Promise<Measured> {
  const measured: Measured = {
    warm: { bare: [], ours: [], reference: [] },
    cold: { ours: [], reference: [] },
    growth: { 1: [], 10: [], 100: [] },
  };
  await using surroundings = await startEnrichmentSurroundings();
  await measureSides(measured, surroundings, options);
  for (let round = 0; round < Math.min(options.rounds, MAX_GROWTH_ROUNDS); round += 1) {
    for (const times of inTurn(GROWTHS, round)) {
      measured.growth[times].push(await grow(times, surroundings, options));
    }
  }
  return measured;
}

async function measureSides(
  { warm, cold }: Measured,
  surroundings: EnrichmentSurroundings,
  { rounds, seconds, profileDirectory }: Options,
): Promise<void> {
  await using sender = await startSender(surroundings, INTEGRATIONS, profileDirectory);
  const run = (side: Side, cache: CacheState, forSeconds: number) =>
    perform(sender, surroundings, { side, cache, until: { ms: forSeconds * 1000 } });
  await fillCache(sender);
  for (const side of SIDES.warm) await run(side, 'warm', WARM_UP_TIMES * seconds);
  for (const side of SIDES.cold) await run(side, 'cold', WARM_UP_TIMES * seconds);
  for (let round = 0; round < rounds; round += 1) {
    for (const side of inTurn(SIDES.warm, round)) warm[side].push(await run(side, 'warm', seconds));
    for (const side of inTurn(SIDES.cold, round)) cold[side].push(await run(side, 'cold', seconds));
  }
}

/**
 * A new process each time, so that the heap has no leftovers. It warms up in portions of the smallest growth, with a
 * collection after each.
 */
async function grow(
  times: Growth,
  surroundings: EnrichmentSurroundings,
  { events, profileDirectory }: Options,
): Promise<Run> {
  await using sender = await startSender(surroundings, INTEGRATIONS * times, profileDirectory);
  const portion = Math.min(events, WARM_UP_EVENTS);
  for (let done = 0; done < WARM_UP_EVENTS; done += portion) {
    await sender.perform({ side: 'ours', cache: 'warm', until: { events: portion } });
  }
  return await perform(sender, surroundings, { side: 'ours', cache: 'warm', until: { events: events * times } });
}

/**
 * Each side has its own keys, since neither can read the other's values. Nothing is measured yet, so a cache that does not
 * respond within its 200 ms on a busy machine is filled again.
 */
async function fillCache(sender: Worker<Order, Enriched>): Promise<void> {
  for (const side of ['ours', 'reference'] as const) {
    const fill = () => sender.perform({ side, cache: 'warm', until: { events: WARM_LEARNERS } });
    await fill().catch(fill).catch(fill);
  }
}

function startSender({ variablesFor }: EnrichmentSurroundings, integrations: number, profileDirectory?: string) {
  const env = variablesFor(integrations);
  return startWorker<Order, Enriched>(new URL('./sender.ts', import.meta.url), { env, profileDirectory });
}

async function perform(sender: Worker<Order, Enriched>, { uses }: EnrichmentSurroundings, order: Order): Promise<Run> {
  const before = await uses();
  const run = await sender.perform(order);
  const after = await uses();
  const enriched = after.queue.enriched - before.queue.enriched;
  if (enriched !== run.count) throw new Error(`${order.side}: of ${run.count} events ${enriched} were sent enriched`);
  const statements = after.warehouse.statements - before.warehouse.statements;
  if ((order.cache === 'warm') !== (statements === 0)) throw new Error(`${order.cache}, with ${statements} queries`);
  const share = (server: keyof Uses) => busyShare(before[server], after[server], run.elapsedMs);
  return { ...run, busy: { queue: share('queue'), warehouse: share('warehouse'), cache: share('cache') } };
}
