import { webhookId } from '../../lambdas/events/identity.ts';
import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import { heldDays } from '../shared/open-ledger.ts';
import { findIds, type IdSource, PREFIX } from '../shared/resolve-ids.ts';
import { readSpan } from '../shared/time-span.ts';
import { type FoundDelivery, lineOf } from './find-deliveries.ts';
import { isPossible } from './show.ts';

/** Deliveries of a prefix that are returned at the most. */
const MAX_OF_PREFIX = 100;

export interface FindSource extends IdSource {
  readonly table: IdSource['table'] & Pick<LedgerTable, 'record' | 'records' | 'event'>;
}

/**
 * The deliveries of a webhook id, or of all ids that start with it: `wh_` and six digits or more.
 *
 * @returns none if the text is no id, too @throws LedgerUnavailable
 */
export async function findByWebhookId(id: string, source: FindSource): Promise<readonly FoundDelivery[]> {
  if (isPossible(id)) return findAll([id], source);
  if (!PREFIX.test(id)) return [];
  const ids = (await findIds(new Set([id]), source)).get(id) ?? new Set<string>();
  return findAll([...ids].toSorted().slice(0, MAX_OF_PREFIX), source);
}

/**
 * The deliveries of an event, each to another integration. Their ids follow from the event's and the integration's, so that
 * each is one read.
 *
 * @param integrationId undefined: of every integration of which the ledger has deliveries
 * @throws LedgerUnavailable
 */
export async function findByEventId(
  eventId: string,
  integrationId: string | undefined,
  source: FindSource,
): Promise<readonly FoundDelivery[]> {
  const integrationIds = integrationId === undefined ? await knownIntegrations(source) : [integrationId];
  return findAll(
    integrationIds.map((id) => webhookId(id, eventId)),
    source,
  );
}

/** Every integration of which the ledger has deliveries, in alphabetical order. @throws LedgerUnavailable */
export async function knownIntegrations({ stage, table, now }: FindSource): Promise<readonly string[]> {
  const days = await table.days(readSpan({ since: `${heldDays(stage).factsDays}d` }, now()));
  return [...new Set(days.map(({ integrationId }) => integrationId))].toSorted();
}

async function findAll(ids: readonly string[], { table }: FindSource): Promise<readonly FoundDelivery[]> {
  if (ids.length === 0) return [];
  const records = await table.records(ids);
  const found = await Promise.all(
    ids.map(async (id): Promise<readonly FoundDelivery[]> => {
      const record = records.get(id);
      if (record !== undefined) return [lineOf(record)];
      const event = await table.event(id);
      if (event === undefined) return [];
      const { webhook_id, integration_id, event_type, accepted_at } = event;
      const own = { webhook_id, integration_id, event_type, accepted_at, changed_at: accepted_at };
      return [{ ...own, state: 'accepted', generation: 0, attempt: 0 }];
    }),
  );
  return found.flat();
}
