import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import { countRows } from '../replay/run-replay.ts';
import { mayGoOn } from '../shared/confirm.ts';
import { CommandFailed } from '../shared/failures.ts';
import { alignColumns, counted, formatNumber } from '../shared/format.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { heldDays, ledgerFailure } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import { shortTime } from '../shared/time-span.ts';
import { beyondReach, formatBeyondReach } from './beyond-reach.ts';
import { findLearner, isOpen, type Learner, type LearnersWebhook } from './find-learner.ts';

export interface ForgetOptions extends Learner {
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
}

/** Deletions in parallel. */
const AT_A_TIME = 20;

/** Open webhooks that are named, at the most. */
const MOST_NAMED = 50;

/** `ledger forget`: deletes what is held of one learner. @throws CommandFailed; LedgerUnavailable */
export async function forget(options: ForgetOptions, world: LedgerSession): Promise<number> {
  const { stage, stageName, table, asJson, print, now, context } = world;
  const webhooks = await findLearner(table, options);
  const places = beyondReach(now(), heldDays(stage).factsDays);
  if (!asJson) {
    print(formatFound(webhooks, stageName));
    const open = webhooks.filter(isOpen);
    if (open.length > 0) print(`\n${formatOpen(open)}`);
    print(`\n${formatBeyondReach(places)}\n`);
  }
  const isDeleting = webhooks.length > 0 && !options.dryRun;
  const question = `Delete ${counted(webhooks.length, 'event')} of stage ${stageName}, with the partners’ responses, for good?`;
  if (isDeleting && !(await mayGoOn(question, options.yes, context))) return 1;
  if (isDeleting) await deleteAll(webhooks, world);
  const deleted = isDeleting ? webhooks.length : 0;
  if (asJson) {
    const { dryRun: is_dry_run = false } = options;
    print(
      JSON.stringify({ stage: stageName, is_dry_run, found: webhooks.length, deleted, webhooks, beyond_reach: places }),
    );
  } else if (webhooks.length > 0 && options.dryRun) {
    print(`${counted(webhooks.length, 'event')} would be deleted: a dry run, nothing is changed`);
  } else if (webhooks.length > 0) print(`deleted ${counted(deleted, 'event')}`);
  return 0;
}

async function deleteAll(webhooks: readonly LearnersWebhook[], { stage, table }: LedgerSession): Promise<void> {
  const progress = createProgressBar({ total: webhooks.length });
  let deleted = 0;
  for (let next = 0; next < webhooks.length; next += AT_A_TIME) {
    const endings = await forgetTogether(webhooks.slice(next, next + AT_A_TIME), table);
    deleted += endings.filter(({ status }) => status === 'fulfilled').length;
    progress.report(deleted);
    const failed = endings.find((settlement) => settlement.status === 'rejected');
    if (failed === undefined) continue;
    progress.end();
    const { message } = ledgerFailure(failed.reason, stage) as Error;
    throw new CommandFailed(
      `deleted ${formatNumber(deleted)} of ${counted(webhooks.length, 'event')}, then: ${message}\nthe same command finds the others`,
    );
  }
  progress.end();
}

function forgetTogether(webhooks: readonly LearnersWebhook[], table: Pick<LedgerTable, 'forget'>) {
  return Promise.allSettled(webhooks.map(({ webhook_id }) => table.forget(webhook_id)));
}

function formatFound(webhooks: readonly LearnersWebhook[], stageName: string): string {
  const [oldest] = webhooks;
  const latest = webhooks.at(-1);
  if (oldest === undefined || latest === undefined) return `none: the ledger of stage ${stageName} holds no such event`;
  const span = `accepted from ${shortTime(oldest.accepted_at)} to ${shortTime(latest.accepted_at)}`;
  return `${counted(webhooks.length, 'event')} of that learner, ${span}\n${countRows(webhooks)}`;
}

/** What an open webhook loses, and that it may leave something behind. */
function formatOpen(open: readonly LearnersWebhook[]): string {
  const rows = open
    .slice(0, MOST_NAMED)
    .map(({ webhook_id, integration_id, state, rests_here }) => [
      ...[webhook_id, integration_id, state],
      rests_here ? 'is never delivered then: only the ledger has it' : 'goes on, with its own copy',
    ]);
  const more = open.length - rows.length;
  return `Not final yet: ${counted(open.length, 'event')}. Deleted, none can be replayed or released any more. A function that
sends one may record its event again: run this again when they are final.
${alignColumns([['webhook', 'integration', 'state', ''], ...rows])}${more > 0 ? `\nand ${formatNumber(more)} more` : ''}`;
}
