import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import { countRows } from '../replay/run-replay.ts';
import { mayGoOn } from '../shared/confirm.ts';
import { CommandFailed } from '../shared/failures.ts';
import { alignColumns, counted, formatNumber } from '../shared/format.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { heldDays, ledgerFailure } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import { shortTime } from '../shared/time-span.ts';
import { findLearner, isOpen, type Learner, type LearnersDelivery } from './find-learner.ts';
import { formatRemainingCopies, remainingCopies } from './remaining-copies.ts';

export interface ForgetOptions extends Learner {
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
}

/** Deletions in parallel. */
const AT_A_TIME = 20;

/** Open deliveries that are named, at the most. */
const MOST_NAMED = 50;

/** `ledger forget`: deletes what is held of one learner. @throws CommandFailed; LedgerUnavailable */
export async function forget(options: ForgetOptions, world: LedgerSession): Promise<number> {
  const { stage, stageName, table, asJson, print, now, context } = world;
  const deliveries = await findLearner(table, options);
  const places = remainingCopies(now(), heldDays(stage).factsDays);
  if (!asJson) {
    print(formatFound(deliveries, stageName));
    const open = deliveries.filter(isOpen);
    if (open.length > 0) print(`\n${formatOpen(open)}`);
    print(`\n${formatRemainingCopies(places)}\n`);
  }
  const isDeleting = deliveries.length > 0 && !options.dryRun;
  const question = `Delete ${counted(deliveries.length, 'event')} of stage ${stageName}, with the partners’ responses, for good?`;
  if (isDeleting && !(await mayGoOn(question, options.yes, context))) return 1;
  if (isDeleting) await deleteAll(deliveries, world);
  const deleted = isDeleting ? deliveries.length : 0;
  if (asJson) {
    const { dryRun: is_dry_run = false } = options;
    print(
      JSON.stringify({
        stage: stageName,
        is_dry_run,
        found: deliveries.length,
        deleted,
        deliveries,
        remaining_copies: places,
      }),
    );
  } else if (deliveries.length > 0 && options.dryRun) {
    print(`${counted(deliveries.length, 'event')} would be deleted: a dry run, nothing is changed`);
  } else if (deliveries.length > 0) print(`deleted ${counted(deleted, 'event')}`);
  return 0;
}

async function deleteAll(deliveries: readonly LearnersDelivery[], { stage, table }: LedgerSession): Promise<void> {
  const progress = createProgressBar({ total: deliveries.length });
  let deleted = 0;
  for (let next = 0; next < deliveries.length; next += AT_A_TIME) {
    const endings = await forgetTogether(deliveries.slice(next, next + AT_A_TIME), table);
    deleted += endings.filter(({ status }) => status === 'fulfilled').length;
    progress.report(deleted);
    const failed = endings.find((settlement) => settlement.status === 'rejected');
    if (failed === undefined) continue;
    progress.end();
    const { message } = ledgerFailure(failed.reason, stage) as Error;
    throw new CommandFailed(
      `deleted ${formatNumber(deleted)} of ${counted(deliveries.length, 'event')}, then: ${message}\nthe same command finds the others`,
    );
  }
  progress.end();
}

function forgetTogether(deliveries: readonly LearnersDelivery[], table: Pick<LedgerTable, 'forget'>) {
  return Promise.allSettled(deliveries.map(({ webhook_id }) => table.forget(webhook_id)));
}

function formatFound(deliveries: readonly LearnersDelivery[], stageName: string): string {
  const [oldest] = deliveries;
  const latest = deliveries.at(-1);
  if (oldest === undefined || latest === undefined) return `none: the ledger of stage ${stageName} holds no such event`;
  const span = `accepted from ${shortTime(oldest.accepted_at)} to ${shortTime(latest.accepted_at)}`;
  return `${counted(deliveries.length, 'event')} of that learner, ${span}\n${countRows(deliveries)}`;
}

/** What an open delivery loses, and that it may leave something behind. */
function formatOpen(open: readonly LearnersDelivery[]): string {
  const rows = open
    .slice(0, MOST_NAMED)
    .map(({ webhook_id, integration_id, state, is_only_in_ledger }) => [
      ...[webhook_id, integration_id, state],
      is_only_in_ledger ? 'is never delivered then: only the ledger has it' : 'goes on, with its own copy',
    ]);
  const more = open.length - rows.length;
  return `Not final yet: ${counted(open.length, 'event')}. Deleted, none can be replayed or released any more. A function that
sends one may record its event again: run this again when they are final.
${alignColumns([['delivery', 'integration', 'state', ''], ...rows])}${more > 0 ? `\nand ${formatNumber(more)} more` : ''}`;
}
