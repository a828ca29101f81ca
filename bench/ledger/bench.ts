import { type Bench, inTurn, numberOf, pace, paceOf } from '../bench.ts';
import { busyShare, cpuMicroseconds, perSecond } from '../cpu.ts';
import { startDeliverySurroundings } from '../delivery/delivery-surroundings.ts';
import { type Figure, figure } from '../figure.ts';
import { percentile } from '../statistics.ts';
import { startServer, startWorker } from '../worker.ts';
import { type Order, PARTNER_DELAY_MS, type Performed, type Side, TABLE_LATENCY_MS } from './orders.ts';
import type { TableUse } from './table.ts';

/** Minimum share of the throughput without the ledger. */
const TARGET = 0.83;

/** The sender has 30 connections per host, and all partners here are one host: more would make it the bottleneck. */
const MAX_BATCHES_AT_ONCE = 3;

/** Length of the warm-up, in measurements: V8 compiles hot code in it. */
const WARM_UP_TIMES = 4;

const SIDES: readonly Side[] = ['on', 'off'];

/** One side in one round, and the work of the servers meanwhile. */
interface Run extends Performed {
  /** Writing the events into the ledger, before they are delivered. */
  readonly accepted: Performed;
  readonly responseMs: readonly number[];
  readonly busy: Readonly<Record<'table' | 'partner', number>>;
}

interface Options {
  readonly rounds: number;
  /** Duration of each side in each round. */
  readonly seconds: number;
  readonly batchesAtOnce: number;
  readonly profileDirectory: string | undefined;
}

export const bench: Bench = {
  about: 'our delivery path with the ledger, against the same without',
  options: { ...pace(6, 1), batches: { type: 'string', default: '2' }, profile: { type: 'string' } },
  usage: [
    '--rounds N --seconds N  number of rounds, and duration of each measurement',
    '--batches N             batches of ten in flight at any time, 1 to 3',
    '--profile DIRECTORY     writes the sender’s CPU profile, for the developer tools of a browser',
  ],
  async measure(values) {
    const rounds = await measureRounds({
      ...paceOf(values),
      batchesAtOnce: Math.round(numberOf(values, 'batches', 1, MAX_BATCHES_AT_ONCE)),
      profileDirectory: values.profile as string | undefined,
    });
    return figuresOf(rounds);
  },
};

/**
 * Measures both sides in turns, so that other load of the machine affects both. A round does not count if Valkey did not
 * respond within its 200 ms.
 *
 * @throws Error if a delivery fails, waits, is dead-lettered or refused, or the table does not respond
 */
async function measureRounds(options: Options): Promise<Record<Side, Run>[]> {
  const { rounds, seconds, batchesAtOnce, profileDirectory } = options;
  await using surroundings = await startDeliverySurroundings({ partnerDelayMs: PARTNER_DELAY_MS });
  const { partner } = surroundings;
  await using table = await startServer<TableUse>(new URL('./table.ts', import.meta.url), {
    TABLE_LATENCY_MS: String(TABLE_LATENCY_MS),
  });
  await using sender = await startWorker<Order, Performed>(new URL('./sender.ts', import.meta.url), {
    env: { ...surroundings.variables, AWS_ENDPOINT_URL_DYNAMODB: `http://${table.address}` },
    profileDirectory,
  });
  const uses = async () => ({ table: await table.use(), partner: await partner.use() });
  const perform = async (ledger: Side, forSeconds: number): Promise<Run> => {
    const durationMs = forSeconds * 1000;
    // No batch takes less than its partners.
    const batches = batchesAtOnce * Math.ceil(durationMs / PARTNER_DELAY_MS + 1);
    const accepted = await sender.perform({ kind: 'prepare', ledger, batches, batchesAtOnce });
    const before = await uses();
    const run = await sender.perform({ kind: 'deliver', ledger, durationMs, batchesAtOnce });
    const after = await uses();
    const received = after.partner.requests - before.partner.requests;
    if (received !== run.count) throw new Error(`${run.count} were sent, the partner received ${received}`);
    const busy = (server: 'table' | 'partner') => busyShare(before[server], after[server], run.elapsedMs);
    return {
      ...run,
      accepted,
      responseMs: after.table.responseMs,
      busy: { table: busy('table'), partner: busy('partner') },
    };
  };
  for (const side of SIDES) await perform(side, WARM_UP_TIMES * seconds);
  const played: Record<Side, Run>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const runs: Partial<Record<Side, Run>> = {};
    for (const side of inTurn(SIDES, round)) runs[side] = await perform(side, seconds);
    played.push(runs as Record<Side, Run>);
  }
  return played.filter(({ on, off }) => !on.isValkeyLost && !off.isValkeyLost);
}

function figuresOf(rounds: readonly Record<Side, Run>[]): Figure[] {
  const onOnly = (name: string, unit: string, of: (run: Run) => number) =>
    figure({ name: `ledger.${name}`, unit, values: rounds.map(({ on }) => of(on)) });
  const both = (name: string, unit: string, of: (run: Run) => number, target = {}) =>
    figure({
      name: `ledger.${name}`,
      unit,
      values: rounds.map(({ on }) => of(on)),
      baseline: { name: 'without the ledger', values: rounds.map(({ off }) => of(off)) },
      ...target,
    });
  const throughputTarget = { target: { of: 'ratio', is: 'at least', bound: TARGET } };
  return [
    both('per_second', 'deliveries/s', perSecond, throughputTarget),
    both('cpu', 'µs/delivery', cpuMicroseconds),
    both('p50', 'ms', ({ durationsMs }) => percentile(durationsMs, 0.5)),
    both('p99', 'ms', ({ durationsMs }) => percentile(durationsMs, 0.99)),
    onOnly('accept.cpu', 'µs/event', ({ accepted }) => cpuMicroseconds(accepted)),
    onOnly('accept.p50', 'ms/batch', ({ accepted }) => percentile(accepted.durationsMs, 0.5)),
    onOnly('accept.p99', 'ms/batch', ({ accepted }) => percentile(accepted.durationsMs, 0.99)),
    onOnly('table.calls', 'calls/delivery', ({ responseMs, count }) => responseMs.length / count),
    onOnly('table.p50', 'ms/call', ({ responseMs }) => percentile(responseMs, 0.5)),
    onOnly('table.p99', 'ms/call', ({ responseMs }) => percentile(responseMs, 0.99)),
    onOnly('table.busy', 'of a core', ({ busy }) => busy.table),
    onOnly('partner.busy', 'of a core', ({ busy }) => busy.partner),
  ];
}
