import type { Standing } from '../ledger/balance.ts';
import type { LedgerDay } from '../ledger/ports.ts';
import type { StuckWebhook } from '../ledger/reconciliation.ts';
import type { LedgerEvent, LedgerRecord, WebhookState } from '../ledger/record.ts';
import { isReplaced, writerName } from '../ledger/table/claim-and-settle.ts';
import { type Cause, deliveryOf, newRecord, reopened } from '../ledger/transitions.ts';
import { toMessageText } from '../shared/json-text.ts';
import type { OutgoingMessage } from '../shared/queue-message.ts';
import type { ReconcileRun } from './reconcile-run.ts';

/** A webhook that does not balance, by its record. */
export interface StuckFound {
  readonly webhookId: string;
  readonly day: LedgerDay;
  /** Undefined where it was never claimed. */
  readonly record: LedgerRecord | undefined;
  readonly state: WebhookState;
  readonly standing: Extract<Standing, { kind: 'stuck' }>;
}

/**
 * Its acceptance could not be written while the ledger was down, or an operator has deleted it. One that was delivered
 * meanwhile looks the same: an operator closes it (`./ltw ledger close`).
 */
const UNSENDABLE = 'the ledger does not hold its payload, and cannot send it again';

/** Names stuck webhooks, and resends them. Never throws. */
export async function resendStuck(found: readonly StuckFound[], run: ReconcileRun): Promise<void> {
  if (!(await run.knowsOutcomes())) {
    for (const _ of found) run.count({ kind: 'in_flight' });
    return;
  }
  const fates: ReadonlyMap<string, Resent> = run.mayAct() ? await resendWebhooks(found, 'republish', run) : new Map();
  for (const { webhookId, day, state, standing } of found) {
    const fate = fates.get(webhookId);
    if (fate === 'changed') {
      run.count({ kind: 'in_flight' });
      continue;
    }
    run.count(standing);
    if (fate === 'sent') run.did('republished', 1);
    run.name({
      webhook_id: webhookId,
      integration_id: day.integrationId,
      state,
      since: standing.since,
      why: fate === 'impossible' ? `${standing.why}; ${UNSENDABLE}` : standing.why,
      action: actionOf(fate, run.request.dry_run),
    });
  }
}

function actionOf(fate: Exclude<Resent, 'changed'> | undefined, isDryRun: boolean): StuckWebhook['action'] {
  if (fate === undefined) return 'no_time';
  if (fate === 'sent') return isDryRun ? 'would_republish' : 'republished';
  return fate;
}

/** A webhook to resend. */
export interface Resend {
  readonly webhookId: string;
  /** As it stands; undefined where it was never claimed. */
  readonly record: LedgerRecord | undefined;
  /** How long its message waits in the queue, 0 to 900 s. Default: 0. */
  readonly delaySeconds?: number;
}

/**
 * What came of it. `sent`: or would be, in a dry run. `changed`: it was changed meanwhile, or a function holds its lease.
 * `impossible`: its payload is deleted. `failed`: counted, and the log has the reason.
 */
export type Resent = 'sent' | 'changed' | 'impossible' | 'failed';

/**
 * Resends webhooks: each is reopened in the next generation, then its message goes to the deliveries queue. One whose
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
      return [webhookId, await run.guard(webhookId, () => prepare(resend, cause, run))] as const;
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
