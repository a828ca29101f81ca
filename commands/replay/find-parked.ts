import { mayRelease } from '../../lambdas/ledger/balance.ts';
import type { LedgerTable, Span } from '../../lambdas/ledger/ports.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { entryOf, type IntegrationsDocument, idsOf, readEntry } from '../integration/integrations-document.ts';
import { findByFilter } from './find-deliveries.ts';

/** Where an integration has no limit of its own, as many a second as a replay sends. */
const USUAL_PER_SECOND = 10;

/** A release is no faster than the fastest replay. */
const MOST_PER_SECOND = 100;

/** What is parked for one integration, oldest first, and how fast it may have it. */
export interface Parked {
  readonly integrationId: string;
  readonly webhookIds: readonly string[];
  readonly perSecond: number;
}

/**
 * The parked deliveries that may be released, of each integration that takes webhooks. Of one integration that an operator
 * has resumed these are all; of all integrations, those that only the pause held back: resuming all does not say that an
 * endpoint that failed or was gone works again.
 *
 * @param id undefined: of all
 * @param span by when they were accepted: one that is replayed may be parked weeks later
 * @throws LedgerUnavailable
 */
export async function findParked(
  table: Pick<LedgerTable, 'days' | 'listRecords' | 'records'>,
  document: IntegrationsDocument,
  id: string | undefined,
  span: Span,
): Promise<readonly Parked[]> {
  const filter = { integrationId: id, states: ['parked'], span, reason: undefined } as const;
  const listed = (await findByFilter(table, filter)).map(({ webhook_id }) => webhook_id);
  const records = await table.records(listed);
  const parked = listed.flatMap((webhookId) => records.get(webhookId) ?? []).filter(({ state }) => state === 'parked');
  const byIntegration = Map.groupBy(parked, ({ integration_id }) => integration_id);
  return [...new Set(idsOf(document))].flatMap((integrationId) => {
    const integration = takingIntegration(document, integrationId);
    if (integration === undefined) return [];
    const mayGo = (record: LedgerRecord) => id !== undefined || mayRelease(record, integration, undefined) === 'yes';
    const webhookIds = (byIntegration.get(integrationId) ?? []).filter(mayGo).map(({ webhook_id }) => webhook_id);
    return webhookIds.length === 0 ? [] : [{ integrationId, webhookIds, perSecond: perSecondOf(integration) }];
  });
}

function takingIntegration(document: IntegrationsDocument, id: string): Integration | undefined {
  if (document.fields.paused === true) return undefined;
  const read = readEntry(entryOf(document, id));
  if ('faults' in read) return undefined;
  return read.integration.active && !read.integration.paused ? read.integration : undefined;
}

function perSecondOf({ max_requests_per_minute: perMinute }: Integration): number {
  return perMinute === undefined ? USUAL_PER_SECOND : Math.min(perMinute / 60, MOST_PER_SECOND);
}
