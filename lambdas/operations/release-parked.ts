import type { Integration } from '../contract/integration.ts';
import type { LedgerRecord } from '../contract/ledger.ts';
import { isParkedInLedger, isParkedTooLong, mayRelease, releasePlan } from '../domain/balance.ts';
import { CHUNK, type ReconcileRun } from './reconcile-run.ts';
import { resendWebhooks } from './resend-webhooks.ts';

/** A webhook that rests in the ledger, as the list has it. */
export interface Resting {
  readonly webhookId: string;
  readonly acceptedAt: string;
}

/**
 * Releases what rests for one integration and may go, oldest first, as far as its rate goes; the rest next time.
 *
 * @param lastDeliveredAt when the integration took a webhook last, as far as this run saw
 * @throws LedgerUnavailable
 */
export async function releaseParked(
  integrationId: string,
  resting: readonly Resting[],
  lastDeliveredAt: string | undefined,
  run: ReconcileRun,
): Promise<void> {
  const integration = resting.length === 0 ? undefined : await openIntegration(integrationId, resting.length, run);
  if (integration === undefined) return;
  const oldestFirst = resting.toSorted((one, other) => Date.parse(one.acceptedAt) - Date.parse(other.acceptedAt));
  const { atMost, delaySeconds } = releasePlan(integration);
  let released = 0;
  let isProbed = false;
  for (let start = 0; start < oldestFirst.length && released < atMost; start += CHUNK) {
    if (!run.mayAct() || !(await run.knowsOutcomes())) return;
    const ids = oldestFirst.slice(start, start + CHUNK).map(({ webhookId }) => webhookId);
    const records = await run.services.table.records(ids);
    const parked = ids.map((id) => records.get(id)).filter((record) => record !== undefined);
    const { free, probe } = choose(parked, integration, lastDeliveredAt, run.services.now());
    const chosen = isProbed || probe === undefined ? free : [...free, probe];
    const resends = chosen
      .slice(0, atMost - released)
      .map((record, at) => ({ webhookId: record.webhook_id, record, delaySeconds: delaySeconds(released + at) }));
    const fates = await resendWebhooks(resends, 'release', run);
    const sent = [...fates].filter(([, fate]) => fate === 'sent').map(([id]) => id);
    isProbed ||= probe !== undefined && sent.includes(probe.webhook_id);
    released += sent.length;
    run.did('released', sent.length);
  }
}

/** The integration, if it takes anything now. */
async function openIntegration(
  integrationId: string,
  resting: number,
  { services: { integrations, log } }: ReconcileRun,
): Promise<Integration | undefined> {
  const book = await integrations.read();
  if (book === undefined) {
    const reason = 'the integrations cannot be read from AppConfig';
    log.error('ledger.release_impossible', { integration_id: integrationId, resting, reason });
    return undefined;
  }
  const integration = book.byId.get(integrationId);
  return book.paused || integration?.paused ? undefined : integration;
}

/** Of these, what may be released, and one that may find out whether the partner is well again. */
function choose(
  records: readonly LedgerRecord[],
  integration: Integration,
  lastDeliveredAt: string | undefined,
  nowMs: number,
): { readonly free: readonly LedgerRecord[]; readonly probe: LedgerRecord | undefined } {
  const resting = records.filter((record) => isParkedInLedger(record) && !isParkedTooLong(record, nowMs));
  const may = Map.groupBy(resting, (record) => mayRelease(record, integration, lastDeliveredAt));
  return { free: may.get('yes') ?? [], probe: may.get('as_probe')?.[0] };
}
