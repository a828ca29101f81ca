import type { LedgerTable } from '../../lambdas/contract/ledger-ports.ts';
import { awsFailure, whereOf } from '../shared/aws-failure.ts';
import type { Context } from '../shared/context.ts';
import { noteInterruption } from '../shared/interruption.ts';
import { ledgerFailure } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import type { Stage } from '../shared/stage.ts';
import { describeReplay, isDone } from './describe-replay.ts';
import { type ReplayOrder, replayWebhooks } from './replay-webhooks.ts';

/**
 * Sends webhooks anew before somebody's eyes, and tells what became of them. Ctrl-C ends it after those at hand.
 *
 * @returns 0 where nothing is left to do, else 1
 */
export async function runReplay(
  stage: Stage,
  table: LedgerTable,
  order: ReplayOrder,
  { terminal, now, sleep }: Context,
): Promise<number> {
  const done = order.cause === 'replay' ? 'replayed' : 'released';
  const means = { table, sqs: stage.sqs, queueUrl: stage.output('DeliveriesQueueUrl'), now, sleep };
  const interruption = noteInterruption();
  const progress = createProgressBar({ total: order.turns.length, output: terminal.progress, now });
  const watch = { report: progress.report, isInterrupted: interruption.isRequested };
  const replayed = await replayWebhooks(order, means, watch).finally(() => {
    interruption.ignore();
    progress.end();
  });
  terminal.print(describeReplay(replayed, done));
  if (replayed.thrown !== undefined) terminal.print(`It ended early: ${failureWords(replayed.thrown, stage)}`);
  return isDone(replayed) ? 0 : 1;
}

function failureWords(thrown: unknown, stage: Stage): string {
  return awsFailure(thrown, whereOf(stage.name)) ?? (ledgerFailure(thrown, stage) as Error).message;
}
