import { isReplaced, writerName } from '../adapters/dynamodb/claim-and-settle.ts';
import type { OutgoingMessage } from '../contract/delivery-ports.ts';
import type { LedgerEvent, LedgerRecord } from '../contract/ledger.ts';
import { toMessageText } from '../domain/json-text.ts';
import { type Cause, deliveryOf, newRecord, reopened } from '../domain/ledger.ts';
import type { ReconcileRun } from './reconcile-run.ts';

/** A webhook to be sent anew. */
export interface Resend {
  readonly webhookId: string;
  /** As it stands; undefined where nobody ever claimed it. */
  readonly record: LedgerRecord | undefined;
  /** How long its message waits in the queue, 0 to 900 s; not at all, where it says nothing. */
  readonly delaySeconds?: number;
}

/**
 * What became of it. `sent`: or would be, in a dry run. `changed`: somebody else changed it meanwhile, or has it in hand.
 * `impossible`: its payload is deleted. `failed`: counted, and the log says why.
 */
export type Resent = 'sent' | 'changed' | 'impossible' | 'failed';

/**
 * Sends webhooks anew: each is reopened in the next generation, then its message goes to the deliveries queue. One whose
 * message SQS refuses is left as accepted, and a later run finds it stuck. Never throws.
 */
export async function resendWebhooks(
  resends: readonly Resend[],
  cause: Cause,
  run: ReconcileRun,
): Promise<ReadonlyMap<string, Resent>> {
  const prepared = await Promise.all(
    resends.map(async (resend) => {
      const { webhookId } = resend;
      return [webhookId, await run.attempt(webhookId, () => prepare(resend, cause, run))] as const;
    }),
  );
  const fates = new Map<string, Resent>(prepared.map(([id, fate]) => [id, typeof fate === 'string' ? fate : 'sent']));
  const messages = prepared.map(([, fate]) => fate).filter((fate) => typeof fate !== 'string');
  if (run.request.dry_run || messages.length === 0) return fates;
  for (const id of await run.services.send(messages)) {
    run.failed();
    fates.set(id, 'failed');
  }
  return fates;
}

async function prepare(
  { webhookId, record, delaySeconds }: Resend,
  cause: Cause,
  { request, services: { table, now } }: ReconcileRun,
): Promise<'changed' | 'impossible' | OutgoingMessage> {
  const event = await table.event(webhookId);
  if (event === undefined) return 'impossible';
  const nowMs = now();
  const before = reopened(record ?? neverClaimed(event, nowMs), cause, nowMs);
  if (before === undefined) return 'changed';
  const after = { ...before, claimed_by: writerName(cause) };
  if (!request.dry_run && !(await isReplaced(after, table))) return 'changed';
  return {
    id: webhookId,
    body: toMessageText(deliveryOf(event, after, nowMs, cause)),
    groupId: event.integration_id,
    ...(delaySeconds !== undefined && { delaySeconds }),
  };
}

function neverClaimed(event: LedgerEvent, nowMs: number): LedgerRecord {
  return newRecord({ schema_version: 1, ...event, generation: 0 }, nowMs);
}
