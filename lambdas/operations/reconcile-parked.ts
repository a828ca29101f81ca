import { reportIfCritical } from '../events/critical-dead.ts';
import { deadLetterMessage } from '../events/dead-letter.ts';
import { deadLettered } from '../events/operational-event.ts';
import { isParkedInLedger, isParkedTooLong, mayRelease, releasePlan } from '../ledger/balance.ts';
import type { LedgerRecord } from '../ledger/record.ts';
import { isReplaced, writerName } from '../ledger/table/claim-and-settle.ts';
import { deliveryOf, ended } from '../ledger/transitions.ts';
import type { Integration } from '../partners/integration.ts';
import { toMessageText } from '../shared/json-text.ts';
import type { OutgoingMessage } from '../shared/queue-message.ts';
import { CHUNK, type ReconcileRun } from './reconcile-run.ts';
import { resendDeliveries } from './resend-deliveries.ts';

/** A listed delivery that is parked in the ledger only. */
export interface ParkedInLedger {
  readonly webhookId: string;
  readonly acceptedAt: string;
}

/**
 * Releases the parked deliveries of one integration that may be sent, oldest first, within its rate limit. The next run
 * releases the others.
 *
 * @param lastDeliveredAt the latest delivery to the integration that this run has found
 * @throws LedgerUnavailable
 */
export async function releaseParked(
  integrationId: string,
  listed: readonly ParkedInLedger[],
  lastDeliveredAt: string | undefined,
  run: ReconcileRun,
): Promise<void> {
  const integration = listed.length === 0 ? undefined : await openIntegration(integrationId, listed.length, run);
  if (integration === undefined) return;
  const oldestFirst = listed.toSorted((one, other) => Date.parse(one.acceptedAt) - Date.parse(other.acceptedAt));
  const { atMost, delaySeconds } = releasePlan(integration);
  let released = 0;
  let isProbed = false;
  for (let start = 0; start < oldestFirst.length && released < atMost; start += CHUNK) {
    if (!run.mayAct() || !(await run.areOutcomesSettled())) return;
    const ids = oldestFirst.slice(start, start + CHUNK).map(({ webhookId }) => webhookId);
    const records = await run.services.table.records(ids);
    const parked = ids.map((id) => records.get(id)).filter((record) => record !== undefined);
    const { free, probe } = choose(parked, integration, lastDeliveredAt, run.services.now());
    const chosen = isProbed || probe === undefined ? free : [...free, probe];
    const resends = chosen
      .slice(0, atMost - released)
      .map((record, at) => ({ webhookId: record.webhook_id, record, delaySeconds: delaySeconds(released + at) }));
    const results = await resendDeliveries(resends, 'release', run);
    const sent = [...results].filter(([, result]) => result === 'sent').map(([id]) => id);
    isProbed ||= probe !== undefined && sent.includes(probe.webhook_id);
    released += sent.length;
    run.did('released', sent.length);
  }
}

/** @returns the integration; undefined if it is paused or cannot be read */
async function openIntegration(
  integrationId: string,
  parked: number,
  { services: { integrations, log } }: ReconcileRun,
): Promise<Integration | undefined> {
  const registry = await integrations.read();
  if (registry === undefined) {
    const reason = 'the integrations cannot be read from AppConfig';
    log.error('ledger.release_impossible', { integration_id: integrationId, parked, reason });
    return undefined;
  }
  const integration = registry.byId.get(integrationId);
  return registry.paused || integration?.paused ? undefined : integration;
}

/** Selects the deliveries that may be released, and one that may probe the partner's endpoint. */
function choose(
  records: readonly LedgerRecord[],
  integration: Integration,
  lastDeliveredAt: string | undefined,
  nowMs: number,
): { readonly free: readonly LedgerRecord[]; readonly probe: LedgerRecord | undefined } {
  const parked = records.filter((record) => isParkedInLedger(record) && !isParkedTooLong(record, nowMs));
  const may = Map.groupBy(parked, (record) => mayRelease(record, integration, lastDeliveredAt));
  return { free: may.get('yes') ?? [], probe: may.get('as_probe')?.[0] };
}

/** A delivery to end. `message` is its dead-letter message; absent if the payload was deleted. */
interface Expired {
  readonly record: LedgerRecord;
  readonly reason: string;
  readonly message?: OutgoingMessage;
}

/**
 * Ends deliveries that were parked for too long: sends the dead-letter message, then writes the record, unless it has
 * changed since. An execution that still carries the delivery finds it dead, and ends. Never throws.
 */
export async function endParked(records: readonly LedgerRecord[], run: ReconcileRun): Promise<void> {
  if (run.request.dry_run) return run.did('ended', records.length);
  const found = await Promise.all(records.map((record) => run.guard(record.webhook_id, () => expiredOf(record, run))));
  const expired = found.filter((one) => one !== 'failed');
  const messages = expired.flatMap(({ message }) => message ?? []);
  const refused = messages.length === 0 ? new Set<string>() : await run.services.deadLetter(messages);
  for (const _ of refused) run.failed();
  const sent = expired.filter(({ record }) => !refused.has(record.webhook_id));
  await Promise.all(sent.map((one) => run.guard(one.record.webhook_id, () => end(one, run))));
}

async function expiredOf(record: LedgerRecord, { services }: ReconcileRun): Promise<Expired> {
  const { webhook_id: webhookId, integration_id: integrationId, generation } = record;
  const why = record.reason?.replace(/^parked: /, '') ?? record.parked_for ?? 'unknown';
  const event = await services.table.event(webhookId);
  if (event === undefined) return { record, reason: `parked for 72 h, and its payload was deleted: ${why}` };
  const reason = `parked for 72 h: ${why}`;
  const body = toMessageText(deliveryOf(event, { ...record, generation: generation + 1 }, services.now(), 'replay'));
  return { record, reason, message: deadLetterMessage({ id: webhookId, body, reason, integrationId, webhookId }) };
}

async function end({ record, reason, message }: Expired, run: ReconcileRun): Promise<void> {
  const { table, events, log, counter, now } = run.services;
  const after = { ...ended(record, 'dead', reason, now()), claimed_by: writerName('end') };
  if (!(await isReplaced(record, after, now(), table))) return;
  run.did('ended', 1);
  reportIfCritical(record, { log, counter });
  const { webhook_id, integration_id, parked_since } = record;
  log.warn('ledger.ended', {
    webhook_id,
    integration_id,
    parked_since,
    reason,
    has_dead_letter_message: message !== undefined,
  });
  await events.put(deadLettered(webhook_id, 'parked_too_long', { integrationId: integration_id, atMs: now() }));
}
