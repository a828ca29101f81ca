import { type Bench, pace, paceOf } from '../bench.ts';
import { cpuMicroseconds, perSecond } from '../cpu.ts';
import { type Figure, figure } from '../figure.ts';
import { startWorker } from '../worker.ts';
import { startDeliverySurroundings } from './delivery-surroundings.ts';
import { BATCH_SIZE, type Delivered, type Load, type Order } from './loads.ts';

/** Minimum share of the bare loop's throughput, of the loads that have a target. */
const TARGETS: Readonly<Record<string, number>> = {
  signing_guard_and_limits: 0.75,
  one_partner_two_batches_at_once: 0.6,
  many_partners_two_batches_at_once: 0.45,
};

/** Length of the warm-up, in measurements: V8 compiles hot code in it. */
const WARM_UP_TIMES = 8;

const BARE: Load = { kind: 'bare', inFlight: BATCH_SIZE };

/** The loads that are compared with the bare loop. All but the first are the whole function. */
const LOADS: Readonly<Record<string, Load>> = {
  signing_guard_and_limits: { kind: 'signed', batchesAtOnce: 2 },
  many_partners_batch_after_batch: { kind: 'whole', partners: 'many', batchesAtOnce: 1 },
  many_partners_two_batches_at_once: { kind: 'whole', partners: 'many', batchesAtOnce: 2 },
  one_partner_batch_after_batch: { kind: 'whole', partners: 'one', batchesAtOnce: 1 },
  one_partner_two_batches_at_once: { kind: 'whole', partners: 'one', batchesAtOnce: 2 },
};

/** One load in one round, and the bare loop next to it. */
interface Pair {
  readonly bare: Delivered;
  readonly ours: Delivered;
}

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly profileDirectory: string | undefined;
}

export const bench: Bench = {
  about: 'our delivery path against a bare keep-alive POST loop',
  options: { ...pace(12, 0.3), profile: { type: 'string' } },
  usage: [
    '--rounds N --seconds N  number of rounds, and duration of each measurement',
    '--profile DIRECTORY     writes the sender’s CPU profile, for the developer tools of a browser',
  ],
  async measure(values) {
    const pairs = await measurePairs({
      ...paceOf(values),
      profileDirectory: values.profile as string | undefined,
    });
    return Object.entries(pairs).flatMap(([name, all]) => figuresOf(name, all));
  },
};

/**
 * Measures in turns, so that other load of the machine affects all of them: the bare loop runs before each load in
 * one round and after it in the next. A pair does not count if Valkey did not respond within its 200 ms.
 *
 * @throws Error if a delivery fails, waits or is dead-lettered, or the partner did not receive all
 */
async function measurePairs({ rounds, seconds, profileDirectory }: Options): Promise<Record<string, Pair[]>> {
  await using surroundings = await startDeliverySurroundings();
  const { variables: env, partner } = surroundings;
  await using sender = await startWorker<Order, Delivered>(new URL('./sender.ts', import.meta.url), {
    env,
    profileDirectory,
  });
  let sent = 0;
  const perform = async (load: Load, forSeconds: number) => {
    const delivered = await sender.perform({ load, durationMs: forSeconds * 1000 });
    sent += delivered.count;
    return delivered;
  };
  for (const load of [BARE, ...Object.values(LOADS)]) await perform(load, WARM_UP_TIMES * seconds);
  const pairs: Record<string, Pair[]> = Object.fromEntries(Object.keys(LOADS).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, load] of Object.entries(LOADS)) {
      const isBareFirst = round % 2 === 0;
      const first = await perform(isBareFirst ? BARE : load, seconds);
      const second = await perform(isBareFirst ? load : BARE, seconds);
      const pair = isBareFirst ? { bare: first, ours: second } : { bare: second, ours: first };
      if (!pair.ours.isValkeyLost) pairs[name]?.push(pair);
    }
  }
  const { requests } = await partner.use();
  if (requests !== sent) throw new Error(`${sent} were sent, the partner received ${requests}`);
  return pairs;
}

function figuresOf(load: string, pairs: readonly Pair[]): Figure[] {
  const bound = TARGETS[load];
  const compared = (of: (one: Delivered) => number) => ({
    values: pairs.map(({ ours }) => of(ours)),
    baseline: { name: 'bare loop', values: pairs.map(({ bare }) => of(bare)) },
  });
  return [
    figure({
      name: `delivery.${load}.per_second`,
      unit: 'deliveries/s',
      ...compared(perSecond),
      ...(bound !== undefined && { target: { of: 'ratio', is: 'at least', bound } }),
    }),
    figure({ name: `delivery.${load}.cpu`, unit: 'µs/delivery', ...compared(cpuMicroseconds) }),
  ];
}
