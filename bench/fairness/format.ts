import { formatColumns } from '../table.ts';
import type { FairnessReport, Latencies } from './measure.ts';

/** The report for people. */
export function formatFairness(report: FairnessReport): string {
  const { healthy, hanging, transient, timersLateP99, p99Ratio, p99Ratios, noticedAfterMs, isAHeld } = report;
  const noticed = noticedAfterMs.map((ms) => (ms === null ? 'never' : `${(ms / 1000).toFixed(1)} s`));
  const lines = [
    formatColumns([
      ['A, published to received, ms', 'count', 'p50', 'p99', 'max'],
      row('B is healthy', healthy),
      row('B hangs', hanging),
      row('B has just begun to hang', transient),
    ]),
    `p99 while B hangs by p99 while B is healthy: ${p99Ratio.toFixed(2)}; of each round: ${p99Ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`,
    `the gate noticed after ${noticed.join(', ')}`,
    `timers of the platform's own process were late by (p99): ${timersLateP99.healthy.toFixed(0)} ms while B was healthy, ${timersLateP99.hanging.toFixed(0)} ms while it hung`,
  ];
  if (isAHeld) lines.push('the gate held A for slow: the machine was too busy, and this run says nothing');
  return lines.join('\n');
}

function row(name: string, { count, p50, p99, max }: Latencies): string[] {
  return [name, String(count), ...[p50, p99, max].map((ms) => ms.toFixed(0))];
}
