import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { isReplaced, writerName } from '../../lambdas/ledger/table/claim-and-settle.ts';
import { ended, isFinal, leaseEndMs, newRecord } from '../../lambdas/ledger/transitions.ts';
import { mayGoOn } from '../shared/confirm.ts';
import { CommandFailed } from '../shared/failures.ts';
import { alignColumns, counted } from '../shared/format.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { ledgerFailure } from '../shared/open-ledger.ts';
import { resolveIds } from '../shared/resolve-ids.ts';
import type { ClosedAs } from './option-values.ts';

export interface CloseOptions {
  readonly as: ClosedAs;
  readonly reason: string;
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
}

/** `final`: it has ended already. `claimed`: a function is delivering it. `changed`: another writer changed it first. */
type CloseResult = 'closed' | 'would_close' | 'final' | 'claimed' | 'changed';

const WORDS: Readonly<Record<CloseResult, string>> = {
  closed: 'closed',
  would_close: 'would be closed: a dry run, nothing is changed',
  final: 'left as it is: it is final already',
  claimed: 'left as it is: a function is delivering it; try again in a minute',
  changed: 'left as it is: it was changed meanwhile; try again',
};

interface Open {
  readonly webhookId: string;
  /** The current record; version 0 if the delivery was never claimed. */
  readonly record: LedgerRecord;
  readonly result: CloseResult | undefined;
}

/**
 * `ledger close`: ends deliveries that stay open, when an operator knows their outcome. A message or execution that
 * still carries one finds it ended, and sends nothing.
 *
 * @returns 0 if every delivery has ended, or would end without the dry run; else 1
 * @throws CommandFailed if the ledger does not know one of them: then nothing is changed. LedgerUnavailable
 */
export async function close(ids: readonly string[], options: CloseOptions, world: LedgerSession): Promise<number> {
  const { stageName, print, asJson, context } = world;
  const found = await findAll([...new Set(await resolveIds(ids, world))], world);
  const toClose = found.filter(({ result }) => result === undefined);
  if (!asJson) print(rowsOf(found));
  const question = `Close ${counted(toClose.length, 'delivery', 'deliveries')} of stage ${stageName} as ${options.as}?`;
  const isClosing = toClose.length > 0 && !options.dryRun;
  if (isClosing && !(await mayGoOn(question, options.yes, context))) return 1;
  const results: { readonly webhook_id: string; readonly state: string; readonly result: CloseResult }[] = [];
  for (const { webhookId, record, result } of found) {
    const ended = result ?? (options.dryRun ? 'would_close' : await closeOne(record, options, world));
    results.push({ webhook_id: webhookId, state: ended === 'closed' ? options.as : record.state, result: ended });
  }
  if (asJson)
    print(
      JSON.stringify({ stage: stageName, is_dry_run: options.dryRun ?? false, as: options.as, deliveries: results }),
    );
  else print(alignColumns(results.map(({ webhook_id, result }) => [webhook_id, WORDS[result]])));
  return results.every(({ result }) => ['closed', 'would_close', 'final'].includes(result)) ? 0 : 1;
}

async function findAll(
  webhookIds: readonly string[],
  { table, stageName, now }: LedgerSession,
): Promise<readonly Open[]> {
  const records = await table.records(webhookIds);
  const found = await Promise.all(
    webhookIds.map(async (webhookId) => {
      const standing = records.get(webhookId);
      if (standing !== undefined) return { webhookId, record: standing, result: resultOf(standing, now()) };
      const event = await table.event(webhookId);
      if (event === undefined) return webhookId;
      const record = newRecord({ schema_version: 1, ...event, generation: 0 }, now());
      return { webhookId, record, result: undefined };
    }),
  );
  const unknown = found.filter((one) => typeof one === 'string');
  if (unknown.length === 0) return found.filter((one) => typeof one !== 'string');
  throw new CommandFailed(`the ledger of stage ${stageName} does not know ${unknown.join(', ')}: nothing is changed`);
}

function resultOf(record: LedgerRecord, nowMs: number): CloseResult | undefined {
  if (isFinal(record)) return 'final';
  return leaseEndMs(record) > nowMs ? 'claimed' : undefined;
}

async function closeOne(
  record: LedgerRecord,
  { as, reason }: CloseOptions,
  { table, stage, now }: LedgerSession,
): Promise<CloseResult> {
  const reasonText = `closed by an operator: ${reason.trim()}`;
  const after = { ...ended(record, as, reasonText, now()), claimed_by: writerName('close') };
  try {
    return (await isReplaced(record, after, now(), table)) ? 'closed' : 'changed';
  } catch (thrown) {
    const { message } = ledgerFailure(thrown, stage) as Error;
    throw new CommandFailed(`${record.webhook_id}: ${message}\nthe same command closes what is left`);
  }
}

function rowsOf(found: readonly Open[]): string {
  return alignColumns([
    ['delivery', 'integration', 'type', 'state', 'attempts', 'reason'],
    ...found.map(({ record }) => [
      ...[record.webhook_id, record.integration_id, record.event_type, record.state],
      ...[String(record.attempt), record.reason ?? '-'],
    ]),
  ]);
}
