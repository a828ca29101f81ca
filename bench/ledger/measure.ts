import { busyShare } from '../server-use.ts';
import { type Delivered, PARTNER_DELAY_MS, type Side } from './orders.ts';
import { type Processes, startProcesses } from './processes.ts';
import { type LedgerReport, type Pair, reportOf, type Seen, unitsPerEvent } from './report.ts';

export interface LedgerBenchOptions {
  readonly rounds: number;
  /** How long each side runs in each round. */
  readonly seconds: number;
  /** Batches of ten in flight at any time. */
  readonly batchesAtOnce: number;
  /** Where the sender's CPU profile is written. */
  readonly profileDirectory?: string | undefined;
}

/** Of the throughput without the ledger, so much should be left with it. */
export const TARGET = 0.8;

/** Our sender keeps 30 connections to a host, and all partners here are one: with more it would be what both wait for. */
export const MAX_BATCHES_AT_ONCE = 3;

/** Before anything counts each side runs so many times as long: V8 compiles what is hot. */
const WARM_UP_TIMES = 4;

const COUNTED_BATCHES = 10;

/**
 * Measures both sides in turns, so that what else the machine does meets both: the ledger is on first in one round, and
 * off first in the next.
 *
 * @throws Error where a delivery fails, waits, dies or is refused, or the table does not answer
 */
export async function measureLedger(options: LedgerBenchOptions): Promise<LedgerReport> {
  const { rounds, seconds, profileDirectory } = options;
  const processes = await startProcesses(profileDirectory);
  try {
    const seen: Seen = { accepted: [], tableMs: [], tableBusy: [], partnerBusy: [] };
    for (const side of ['on', 'off'] as const) await perform(side, WARM_UP_TIMES * seconds, options, processes);
    const pairs: Pair[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const first = round % 2 === 0 ? 'on' : 'off';
      const second = first === 'on' ? 'off' : 'on';
      const one = await perform(first, seconds, options, processes, seen);
      const other = await perform(second, seconds, options, processes, seen);
      pairs.push(first === 'on' ? { on: one, off: other } : { on: other, off: one });
    }
    return { ...reportOf(pairs, seen), units: unitsPerEvent(await processes.count(COUNTED_BATCHES)) };
  } finally {
    await processes.stop();
  }
}

async function perform(
  side: Side,
  seconds: number,
  { batchesAtOnce }: LedgerBenchOptions,
  processes: Processes,
  seen?: Seen,
): Promise<Delivered> {
  const durationMs = seconds * 1000;
  // No batch takes less than its partners.
  const batches = batchesAtOnce * Math.ceil(durationMs / PARTNER_DELAY_MS + 1);
  const accepted = await processes.prepare({ ledger: side, batches, batchesAtOnce });
  const before = { table: await processes.tableUse(), partner: await processes.partnerUse() };
  const delivered = await processes.deliver({ ledger: side, durationMs, batchesAtOnce });
  const after = { table: await processes.tableUse(), partner: await processes.partnerUse() };
  const received = after.partner.requests - before.partner.requests;
  if (received !== delivered.deliveries) {
    throw new Error(`${delivered.deliveries} were sent, the partner got ${received}`);
  }
  if (side === 'on' && seen !== undefined) {
    seen.accepted.push(accepted);
    seen.tableMs.push(...after.table.answerMs);
    seen.tableBusy.push(busyShare(before.table, after.table, delivered.elapsedMs));
    seen.partnerBusy.push(busyShare(before.partner, after.partner, delivered.elapsedMs));
  }
  return delivered;
}
