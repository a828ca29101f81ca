import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import type { Context } from '../shared/context.ts';
import { awsFailure, whereOf } from '../shared/failures.ts';
import { alignColumns, formatNumber } from '../shared/format.ts';
import { ledgerFailure } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import type { Stage } from '../shared/stage.ts';
import type { Found } from './find-deliveries.ts';
import { REPLAY_RESULTS, type Replayed, type ReplayOrder, replayDeliveries } from './replay-deliveries.ts';
import { LEFT_WORDS, RESULT_WORDS } from './result-words.ts';

/**
 * Sends deliveries again with a progress bar, and prints the results. Ctrl-C ends it after those that were begun.
 *
 * @returns 0 where nothing is left to do, else 1
 */
export async function runReplay(
  stage: Stage,
  table: LedgerTable,
  order: ReplayOrder,
  { terminal, now, sleep, noteInterruption }: Context,
): Promise<number> {
  const done = order.cause === 'replay' ? 'replayed' : 'released';
  const services = { table, sqs: stage.sqs, queueUrl: stage.output('DeliveriesQueueUrl'), now, sleep };
  const interruption = noteInterruption();
  const progress = createProgressBar({ total: order.turns.length, output: terminal.progress, now });
  const watch = { report: progress.report, isInterrupted: interruption.isRequested };
  const replayed = await replayDeliveries(order, services, watch).finally(() => {
    interruption.ignore();
    progress.end();
  });
  terminal.print(formatReplay(replayed, done));
  if (replayed.thrown !== undefined) terminal.print(`It ended early: ${formatFailure(replayed.thrown, stage)}`);
  return isDone(replayed) ? 0 : 1;
}

function formatFailure(thrown: unknown, stage: Stage): string {
  return awsFailure(thrown, whereOf(stage.name)) ?? (ledgerFailure(thrown, stage) as Error).message;
}

/** The number of deliveries that are named for each reason why they were not replayed. */
const MOST_NAMED = 10;

/** How many there are, by integration and state. */
export function countRows(found: readonly Pick<Found, 'integration_id' | 'state'>[]): string {
  const counts = new Map<string, { readonly cells: readonly [string, string]; count: number }>();
  for (const { integration_id, state } of found) {
    const key = `${integration_id} ${state}`;
    const row = counts.get(key) ?? { cells: [integration_id, state], count: 0 };
    counts.set(key, { ...row, count: row.count + 1 });
  }
  const rows = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
  return alignColumns([
    ['integration', 'state', 'deliveries'],
    ...rows.map(([, { cells, count }]) => [...cells, formatNumber(count)]),
  ]);
}

/** The results of a replay, or of a release. */
export function formatReplay({ results, left }: Replayed, done: 'replayed' | 'released'): string {
  const all = Object.values(results).reduce((sum, ids) => sum + ids.length, left);
  const lines = [`${done} ${formatNumber(results.replayed.length)} of ${formatNumber(all)}`];
  for (const result of REPLAY_RESULTS) {
    if (result === 'replayed' || results[result].length === 0) continue;
    lines.push(`${formatNumber(results[result].length)} ${RESULT_WORDS[result]}`, ...named(results[result]));
  }
  if (left > 0) lines.push(`${formatNumber(left)} ${LEFT_WORDS}`);
  return lines.join('\n');
}

/**
 * Whether nothing is left to do: a delivery that is in flight, or was changed by another writer, is being processed.
 */
export function isDone({ results, left }: Replayed): boolean {
  return left === 0 && [results.no_payload, results.refused, results.unconfirmed].every((ids) => ids.length === 0);
}

function named(webhookIds: readonly string[]): string[] {
  const lines = webhookIds.slice(0, MOST_NAMED).map((id) => `  ${id}`);
  const more = webhookIds.length - lines.length;
  return more > 0 ? [...lines, `  and ${formatNumber(more)} more`] : lines;
}
