import { percentile, type Spread, spread } from '../statistics.ts';
import type { Capacity } from './capacity.ts';
import type { Accepted, Counted, Delivered } from './orders.ts';

/** One round: both sides, one after the other. */
export interface Pair {
  readonly on: Delivered;
  readonly off: Delivered;
}

/** What was seen of the others while the ledger was on. */
export interface Seen {
  readonly accepted: Accepted[];
  readonly tableMs: number[];
  readonly tableBusy: number[];
  readonly partnerBusy: number[];
}

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface SideReport extends Latency {
  readonly perSecond: Spread;
  readonly cpuMicroseconds: Spread;
}

export interface Ratios {
  /** Deliveries per second with the ledger by those without: 1 is as good. */
  readonly throughput: Spread;
  /** CPU of a delivery with the ledger by that of one without. */
  readonly cpu: Spread;
}

export interface LedgerReport extends Ratios {
  readonly on: SideReport;
  readonly off: SideReport;
  /** Of a batch; the CPU of an event. */
  readonly accept: Latency & { readonly cpuMicroseconds: Spread };
  /** Per event. */
  readonly units: { readonly accept: Capacity; readonly deliver: Capacity };
  /** How long its answers took, and its share of a core. */
  readonly table: Latency & { readonly busy: Spread };
  readonly partner: { readonly busy: Spread };
  /** Rounds that count. */
  readonly rounds: number;
  /** Rounds that do not, because the gate's server did not answer within its 200 ms. */
  readonly spoilt: number;
}

export function reportOf(pairs: readonly Pair[], seen: Seen): Omit<LedgerReport, 'units'> {
  const good = pairs.filter(({ on, off }) => !on.isGateLost && !off.isGateLost);
  return {
    ...ratiosOf(good),
    on: sideReport(good.map(({ on }) => on)),
    off: sideReport(good.map(({ off }) => off)),
    accept: {
      ...latency(seen.accepted.flatMap(({ batchMs }) => batchMs)),
      cpuMicroseconds: spread(seen.accepted.map(({ cpuMs, events }) => (cpuMs / events) * 1000)),
    },
    table: { ...latency(seen.tableMs), busy: spread(seen.tableBusy) },
    partner: { busy: spread(seen.partnerBusy) },
    rounds: good.length,
    spoilt: pairs.length - good.length,
  };
}

/** Taken in each round by itself: what slows both sides down changes nothing. */
export function ratiosOf(pairs: readonly Pair[]): Ratios {
  return {
    throughput: spread(pairs.map(({ on, off }) => perSecond(on) / perSecond(off))),
    cpu: spread(pairs.map(({ on, off }) => cpuMicroseconds(on) / cpuMicroseconds(off))),
  };
}

export function unitsPerEvent({ events, accept, deliver }: Counted): LedgerReport['units'] {
  const perEvent = (capacity: Capacity): Capacity =>
    Object.fromEntries(
      Object.entries(capacity).map(([name, { calls, writes, indexWrites, reads }]) => [
        name,
        { calls: calls / events, writes: writes / events, indexWrites: indexWrites / events, reads: reads / events },
      ]),
    );
  return { accept: perEvent(accept), deliver: perEvent(deliver) };
}

function sideReport(all: readonly Delivered[]): SideReport {
  return {
    perSecond: spread(all.map(perSecond)),
    cpuMicroseconds: spread(all.map(cpuMicroseconds)),
    ...latency(all.flatMap(({ deliveryMs }) => deliveryMs)),
  };
}

function perSecond({ deliveries, elapsedMs }: Delivered): number {
  return (deliveries / elapsedMs) * 1000;
}

function cpuMicroseconds({ deliveries, cpuMs }: Delivered): number {
  return (cpuMs / deliveries) * 1000;
}

function latency(valuesMs: readonly number[]): Latency {
  return { p50Ms: percentile(valuesMs, 0.5), p99Ms: percentile(valuesMs, 0.99) };
}
