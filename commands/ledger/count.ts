import { DELIVERY_STATES, type DeliveryState } from '../../lambdas/ledger/record.ts';
import { alignColumns, formatNumber } from '../shared/format.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import { formatSpan, readSpan, spanFields, type TimeOptions } from '../shared/time-span.ts';
import { allDeliveries, findDays, formatNone } from './find-deliveries.ts';
import { DEFAULT_SPANS } from './option-values.ts';

export interface CountOptions extends TimeOptions {
  readonly integration?: string | undefined;
}

type Counts = Record<DeliveryState, number>;

/** `ledger count`: how many deliveries of which integration are in which state. @throws LedgerUnavailable */
export async function count(options: CountOptions, world: LedgerSession): Promise<number> {
  const { table, stageName, print, asJson, now } = world;
  const { integration: integrationId } = options;
  const span = readSpan(options, now(), DEFAULT_SPANS.count);
  const found = await findDays(table, span, integrationId);
  const counts = new Map<string, Counts>();
  const progress = createProgressBar({ unit: 'deliveries' });
  let read = 0;
  for (const day of found.days) {
    const own = counts.get(day.integrationId) ?? noCounts();
    for await (const { state } of allDeliveries(table, day, span)) {
      own[state] += 1;
      read += 1;
      progress.report(read);
    }
    // A day of which the span has no delivery.
    if (totalOf(own) > 0) counts.set(day.integrationId, own);
  }
  progress.end();
  const rows = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
  const total = sumOf([...counts.values()]);
  if (asJson) {
    const integrations = rows.map(([id, own]) => ({ integration_id: id, states: own, total: totalOf(own) }));
    const all = { states: total, total: totalOf(total) };
    print(JSON.stringify({ stage: stageName, ...spanFields(span), integrations, ...all }));
    return 0;
  }
  if (rows.length === 0) {
    print(formatNone('delivery', stageName, span, found, integrationId));
    return 0;
  }
  print(`what stage ${stageName} accepted ${formatSpan(span)}`);
  print(countTable([...rows, ...(rows.length > 1 ? [['total', total] as const] : [])]));
  return 0;
}

/** Numbers stand under each other by their last digits. */
function countTable(rows: readonly (readonly [string, Counts])[]): string {
  const lines = rows.map(([name, counts]) => [
    name,
    ...DELIVERY_STATES.map((state) => formatNumber(counts[state])),
    formatNumber(totalOf(counts)),
  ]);
  const all = [['integration', ...DELIVERY_STATES, 'total'], ...lines];
  const widthOf = (column: number) => Math.max(...all.map((cells) => cells[column]?.length ?? 0));
  return alignColumns(
    all.map((cells) => cells.map((cell, column) => (column === 0 ? cell : cell.padStart(widthOf(column))))),
  );
}

function noCounts(): Counts {
  return Object.fromEntries(DELIVERY_STATES.map((state) => [state, 0])) as Counts;
}

function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, value) => sum + value, 0);
}

function sumOf(all: readonly Counts[]): Counts {
  const sum = noCounts();
  for (const counts of all) for (const state of DELIVERY_STATES) sum[state] += counts[state];
  return sum;
}
