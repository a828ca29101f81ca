import type { LedgerRecord, WebhookState } from '../contract/ledger.ts';
import type { LedgerDay } from '../contract/ledger-ports.ts';
import type { StuckWebhook } from '../contract/reconciliation.ts';
import type { Standing } from '../domain/balance.ts';
import type { ReconcileRun } from './reconcile-run.ts';
import { type Resent, resendWebhooks } from './resend-webhooks.ts';

/** A webhook that does not balance, as its record says. */
export interface StuckFound {
  readonly webhookId: string;
  readonly day: LedgerDay;
  /** Undefined where nobody ever claimed it. */
  readonly record: LedgerRecord | undefined;
  readonly state: WebhookState;
  readonly standing: Extract<Standing, { kind: 'stuck' }>;
}

/**
 * Its acceptance could not be written while the ledger was down, or an operator has deleted it. One that was delivered
 * meanwhile looks the same: an operator closes it (`./ltw ledger close`).
 */
const UNSENDABLE = 'the ledger does not hold its payload, and cannot send it again';

/** Names stuck webhooks, and sends them anew. Never throws. */
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
