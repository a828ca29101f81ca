import { describeSpread, type Spread, spread } from '../statistics.ts';
import { formatColumns } from '../table.ts';
import { BATCH_SIZE, type Load, type Performance } from './loads.ts';
import { startProcesses } from './processes.ts';

export interface DeliveryBenchOptions {
  readonly rounds: number;
  /** Whether our path is measured without some of its parts, too. */
  readonly hasParts?: boolean;
  /** How long each load runs in each round. */
  readonly seconds: number;
  /** Where the sender's CPU profile is written. */
  readonly profileDirectory?: string | undefined;
}

/** Of the bare loop's throughput, and of its CPU, our path should leave so much. */
export const TARGET = 0.7;

/** Before anything counts each load runs so many times as long: V8 compiles what is hot. */
const WARM_UP_TIMES = 8;

const BARE: Load = { kind: 'bare', inFlight: BATCH_SIZE };

/** What is compared with the bare loop. */
const CONTESTANTS: Readonly<Record<string, Load>> = {
  'signing, guard and limits': { kind: 'signed', batchesAtOnce: 2 },
  'many partners, batch after batch': { kind: 'ours', receivers: 'many', batchesAtOnce: 1 },
  'many partners, two batches at once': { kind: 'ours', receivers: 'many', batchesAtOnce: 2 },
  'one partner, batch after batch': { kind: 'ours', receivers: 'one', batchesAtOnce: 1 },
  'one partner, two batches at once': { kind: 'ours', receivers: 'one', batchesAtOnce: 2 },
};

const PARTS: Readonly<Record<string, Load>> = {
  'our sender alone': { kind: 'sender', inFlight: BATCH_SIZE },
  'many, two at once, without gate': { kind: 'ours', receivers: 'many', batchesAtOnce: 2, without: 'gate' },
  'many, two at once, without log': { kind: 'ours', receivers: 'many', batchesAtOnce: 2, without: 'log' },
  'one, two at once, without gate': { kind: 'ours', receivers: 'one', batchesAtOnce: 2, without: 'gate' },
  'one, two at once, without log': { kind: 'ours', receivers: 'one', batchesAtOnce: 2, without: 'log' },
};

/** One contestant in one round, and the bare loop beside it. */
export interface Pair {
  readonly bare: Performance;
  readonly ours: Performance;
}

/** 1: as good as the bare loop. */
export interface Ratios {
  /** Our deliveries per second by the bare loop's. */
  readonly throughput: Spread;
  /** The bare loop's CPU per request by ours per delivery. */
  readonly cpu: Spread;
}

export interface DeliveryReport {
  readonly contestants: Readonly<Record<string, Ratios & { readonly ours: Rates; readonly runs: number }>>;
  readonly bare: Rates;
  /** Pairs that do not count, because the gate's server did not answer within its 200 ms. */
  readonly spoilt: number;
}

interface Rates {
  readonly perSecond: Spread;
  readonly cpuMicroseconds: Spread;
}

/**
 * Measures in turns, so that what else the machine does meets all of them: each contestant has the bare loop beside it,
 * before it in one round and after it in the next.
 *
 * @throws Error where a delivery fails, waits or dies, or the partner did not get them all
 */
export async function measureDelivery(options: DeliveryBenchOptions): Promise<DeliveryReport> {
  const { rounds, seconds, hasParts = false, profileDirectory } = options;
  const contestants = Object.entries({ ...CONTESTANTS, ...(hasParts && PARTS) });
  const processes = await startProcesses(profileDirectory);
  try {
    let made = 0;
    const perform = async (load: Load, forSeconds: number) => {
      const performance = await processes.perform(load, forSeconds * 1000);
      made += performance.deliveries;
      return performance;
    };
    for (const load of [BARE, ...contestants.map(([, load]) => load)]) await perform(load, WARM_UP_TIMES * seconds);
    const pairs = new Map(contestants.map(([name]): [string, Pair[]] => [name, []]));
    let spoilt = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, load] of contestants) {
        const isBareFirst = round % 2 === 0;
        const first = await perform(isBareFirst ? BARE : load, seconds);
        const second = await perform(isBareFirst ? load : BARE, seconds);
        const pair = isBareFirst ? { bare: first, ours: second } : { bare: second, ours: first };
        if (pair.ours.isGateLost) spoilt += 1;
        else pairs.get(name)?.push(pair);
      }
    }
    const received = await processes.partnerRequests();
    if (received !== made) throw new Error(`${made} were sent, the partner got ${received}`);
    return { ...report(pairs), spoilt };
  } finally {
    await processes.stop();
  }
}

function report(pairs: ReadonlyMap<string, readonly Pair[]>): Omit<DeliveryReport, 'spoilt'> {
  return {
    bare: ratesOf([...pairs.values()].flat().map(({ bare }) => bare)),
    contestants: Object.fromEntries(
      [...pairs].map(([name, all]) => [
        name,
        { ...ratiosOf(all), ours: ratesOf(all.map(({ ours }) => ours)), runs: all.length },
      ]),
    ),
  };
}

export function ratiosOf(pairs: readonly Pair[]): Ratios {
  return {
    throughput: spread(pairs.map(({ bare, ours }) => perSecond(ours) / perSecond(bare))),
    cpu: spread(pairs.map(({ bare, ours }) => cpuMicroseconds(bare) / cpuMicroseconds(ours))),
  };
}

function ratesOf(performances: readonly Performance[]): Rates {
  return { perSecond: spread(performances.map(perSecond)), cpuMicroseconds: spread(performances.map(cpuMicroseconds)) };
}

function perSecond({ deliveries, elapsedMs }: Performance): number {
  return (deliveries / elapsedMs) * 1000;
}

function cpuMicroseconds({ deliveries, cpuMs }: Performance): number {
  return (cpuMs / deliveries) * 1000;
}

export function formatDelivery({ bare, contestants }: DeliveryReport): string {
  const header = ['', 'per second', 'CPU µs each', 'throughput, of bare', 'CPU, of bare'];
  const rows = Object.entries(contestants).map(([name, { ours, throughput, cpu }]) => [
    name,
    ...ratesText(ours),
    describeSpread(throughput),
    describeSpread(cpu),
  ]);
  return formatColumns([header, [`bare loop, ${BATCH_SIZE} in flight`, ...ratesText(bare), '1', '1'], ...rows]);
}

function ratesText({ perSecond, cpuMicroseconds }: Rates): string[] {
  return [perSecond, cpuMicroseconds].map(({ median }) => median.toFixed(0));
}
