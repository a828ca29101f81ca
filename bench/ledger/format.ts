import { describeSpread, type Spread } from '../statistics.ts';
import { formatColumns } from '../table.ts';
import type { Capacity } from './capacity.ts';
import type { LedgerReport, SideReport } from './report.ts';

export function formatLedger(report: LedgerReport): string {
  const { throughput, cpu, accept, table, partner } = report;
  const deliveries = [
    ['', 'per second', 'CPU µs each', 'p50 ms', 'p99 ms', 'throughput, of off', 'CPU, of off'],
    ['ledger off', ...sideText(report.off), '1', '1'],
    ['ledger on', ...sideText(report.on), describeSpread(throughput), describeSpread(cpu)],
    ['accept, a batch of ten', '', whole(accept.cpuMicroseconds), accept.p50Ms.toFixed(1), accept.p99Ms.toFixed(1)],
    ['table, a call', '', '', table.p50Ms.toFixed(1), table.p99Ms.toFixed(1)],
  ];
  const busy = `busy, of a core: table ${describeSpread(table.busy)}, partner ${describeSpread(partner.busy)}`;
  return `${formatColumns(deliveries)}\n\n${busy}\n\n${formatColumns(unitRows(report))}`;
}

function unitRows({ units }: LedgerReport): string[][] {
  const header = ['per event', 'calls', 'write units', 'of them index', 'read units'];
  return [header, ...stepRows('accept', units.accept), ...stepRows('deliver', units.deliver)];
}

function stepRows(step: string, capacity: Capacity): string[][] {
  return Object.entries(capacity).map(([name, { calls, writes, indexWrites, reads }]) => [
    `${step}: ${name.replace(/Command$/, '')}`,
    ...[calls, writes, indexWrites, reads].map((count) => count.toFixed(2)),
  ]);
}

function sideText({ perSecond, cpuMicroseconds, p50Ms, p99Ms }: SideReport): string[] {
  return [whole(perSecond), whole(cpuMicroseconds), p50Ms.toFixed(1), p99Ms.toFixed(1)];
}

function whole({ median }: Spread): string {
  return median.toFixed(0);
}
