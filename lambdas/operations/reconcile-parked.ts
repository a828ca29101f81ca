import { isReplaced, writerName } from '../adapters/dynamodb/claim-and-settle.ts';
import type { OutgoingMessage } from '../contract/delivery-ports.ts';
import type { LedgerRecord } from '../contract/ledger.ts';
import { tellIfCritical } from '../domain/critical-dead.ts';
import { deadLetterMessage } from '../domain/dead-letter.ts';
import { toMessageText } from '../domain/json-text.ts';
import { deliveryOf, settled } from '../domain/ledger.ts';
import { decisionOf, unanswered } from '../domain/progress.ts';
import type { ReconcileRun } from './reconcile-run.ts';

interface Ending {
  readonly record: LedgerRecord;
  readonly reason: string;
  /** Absent where the payload is deleted. */
  readonly letter?: OutgoingMessage;
}

/**
 * Ends webhooks that were parked for too long: first the dead letter, then the record. One that somebody changed
 * meanwhile is left alone. The execution in which one may still sleep finds it dead, and ends. Never throws.
 */
export async function endParked(records: readonly LedgerRecord[], run: ReconcileRun): Promise<void> {
  if (run.request.dry_run) return run.did('ended', records.length);
  const found = await Promise.all(records.map((record) => run.attempt(record.webhook_id, () => endingOf(record, run))));
  const endings = found.filter((ending) => ending !== 'failed');
  const letters = endings.flatMap(({ letter }) => letter ?? []);
  const refused = letters.length === 0 ? new Set<string>() : await run.services.bury(letters);
  for (const _ of refused) run.failed();
  const buried = endings.filter(({ record }) => !refused.has(record.webhook_id));
  await Promise.all(buried.map((ending) => run.attempt(ending.record.webhook_id, () => end(ending, run))));
}

async function endingOf(record: LedgerRecord, { services }: ReconcileRun): Promise<Ending> {
  const { webhook_id: webhookId, integration_id: integrationId, generation } = record;
  const why = record.reason?.replace(/^parked: /, '') ?? record.parked_for ?? 'unknown';
  const event = await services.table.event(webhookId);
  if (event === undefined) return { record, reason: `parked for 72 h, and its payload was deleted: ${why}` };
  const reason = `parked for 72 h: ${why}`;
  const body = toMessageText(deliveryOf(event, { ...record, generation: generation + 1 }, services.now(), 'replay'));
  return { record, reason, letter: deadLetterMessage({ id: webhookId, body, reason, integrationId, webhookId }) };
}

async function end({ record, reason, letter }: Ending, run: ReconcileRun): Promise<void> {
  const { table, log, counter, now } = run.services;
  const nowMs = now();
  const { enrichment = unanswered(nowMs), config_version, attempt } = record;
  const progress = {
    ...decisionOf({ enrichment, config_version }),
    attempt,
    due_at: null,
    outcome: 'dead',
    reason,
  } as const;
  const after = { ...settled(record, { progress }, nowMs), claimed_by: writerName('end') };
  if (!(await isReplaced(after, table))) return;
  run.did('ended', 1);
  tellIfCritical(record, { log, counter });
  const { webhook_id, integration_id, parked_since } = record;
  log.warn('ledger.ended', { webhook_id, integration_id, parked_since, reason, has_letter: letter !== undefined });
}
