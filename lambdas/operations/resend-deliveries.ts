import type { Standing } from '../ledger/balance.ts';
import { openEntryOf } from '../ledger/open-entry.ts';
import type { StuckDelivery } from '../ledger/reconciliation.ts';
import type { DeliveryState, LedgerEvent, LedgerRecord } from '../ledger/record.ts';
import { isReplaced, writerName } from '../ledger/table/claim-and-settle.ts';
import { type Cause, deliveryOf, newRecord, reopened } from '../ledger/transitions.ts';
import { toMessageText } from '../shared/json-text.ts';
import type { OutgoingMessage } from '../shared/queue-message.ts';
import type { ReconcileRun } from './reconcile-run.ts';

/** A stuck delivery. */
export interface StuckFound {
  readonly webhookId: string;
  readonly integrationId: string;
  /** Undefined if the delivery was never claimed. */
  readonly record: LedgerRecord | undefined;
  readonly state: DeliveryState;
  readonly standing: Extract<Standing, { kind: 'stuck' }>;
}

/**
 * The payload was not written because the ledger was down, or an operator has deleted it. A delivery that succeeded
 * since looks the same: an operator closes it (`./ltw ledger close`).
 */
const UNSENDABLE = 'its payload is not in the ledger, so it cannot be resent';

/** Reports stuck deliveries, and resends them. Never throws. */
export async function resendStuck(found: readonly StuckFound[], run: ReconcileRun): Promise<void> {
  if (!(await run.areOutcomesSettled())) {
    for (const _ of found) run.count({ kind: 'in_flight' });
    return;
  }
  const results: ReadonlyMap<string, Resent> = run.mayAct() ? await resendDeliveries(found, 'resend', run) : new Map();
  for (const { webhookId, integrationId, state, standing } of found) {
    const result = results.get(webhookId);
    if (result === 'changed') {
      run.count({ kind: 'in_flight' });
      continue;
    }
    run.count(standing);
    if (result === 'sent') run.did('resent', 1);
    run.reportStuck({
      webhook_id: webhookId,
      integration_id: integrationId,
      state,
      since: standing.since,
      why: result === 'impossible' ? `${standing.why}; ${UNSENDABLE}` : standing.why,
      action: actionOf(result, run.request.dry_run),
    });
  }
}

function actionOf(result: Exclude<Resent, 'changed'> | undefined, isDryRun: boolean): StuckDelivery['action'] {
  if (result === undefined) return 'no_time';
  if (result === 'sent') return isDryRun ? 'would_resend' : 'resent';
  return result;
}

/** A delivery to resend. */
export interface Resend {
  readonly webhookId: string;
  /** The current record; undefined if the delivery was never claimed. */
  readonly record: LedgerRecord | undefined;
  /** SQS delay of its message, 0 to 900 s. Default: 0. */
  readonly delaySeconds?: number;
}

/**
 * Result of a resend. `sent`: sent, or in a dry run, would be. `changed`: the record has changed since, or a function
 * has a lease. `impossible`: the payload is deleted. `failed`: counted, and the log has the reason.
 */
export type Resent = 'sent' | 'changed' | 'impossible' | 'failed';

/**
 * Resends deliveries: reopens each in the next generation, then sends its message to the deliveries queue. If SQS
 * refuses the message, the delivery stays `accepted`, and a later run finds it stuck. Never throws.
 */
export async function resendDeliveries(
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
  const results = new Map<string, Resent>(prepared.map(([id, one]) => [id, typeof one === 'string' ? one : 'sent']));
  const messages = prepared.map(([, one]) => one).filter((one) => typeof one !== 'string');
  if (run.request.dry_run || messages.length === 0) return results;
  for (const id of await run.services.send(messages)) {
    run.failed();
    results.set(id, 'failed');
  }
  return results;
}

async function prepare(
  { webhookId, record, delaySeconds }: Resend,
  cause: Cause,
  { request, services: { table, now } }: ReconcileRun,
): Promise<'changed' | 'impossible' | OutgoingMessage> {
  const event = await table.event(webhookId);
  if (event === undefined) return 'impossible';
  const nowMs = now();
  const before = record ?? neverClaimed(event, nowMs);
  const next = reopened(before, cause, nowMs);
  if (next === undefined) return 'changed';
  const after = { ...next, claimed_by: writerName(cause) };
  if (!request.dry_run) {
    // An incremental run has found it by its entry. Any other may have found what those runs missed.
    if (!request.incremental) await table.putOpen(openEntryOf(after, nowMs));
    if (!(await isReplaced(before, after, nowMs, table))) return 'changed';
  }
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
