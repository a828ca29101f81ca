import type { LedgerDay, Span } from '../../lambdas/ledger/ports.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { readSpan } from '../shared/time-span.ts';
import { withCauses } from './find-causes.ts';
import {
  createLatestFound,
  type FoundDelivery,
  findDays,
  formatNone,
  type Lists,
  unlistedDeliveries,
} from './find-deliveries.ts';
import { deliveryRows } from './format-rows.ts';
import { DEFAULT_SPANS } from './option-values.ts';

export interface LastOptions {
  readonly integration: string;
  /** How many are shown at the most. */
  readonly number: number;
}

/** `ledger last`: an integration's last deliveries, the latest first. @throws LedgerUnavailable */
export async function last(options: LastOptions, world: LedgerSession): Promise<number> {
  const { table, stageName, print, asJson, now } = world;
  const { integration: integrationId, number: atMost } = options;
  const span = readSpan({}, now(), DEFAULT_SPANS.last);
  const found = await findDays(table, span, integrationId);
  let deliveries: readonly FoundDelivery[] = [];
  for (const day of found.days.toReversed()) {
    deliveries = [...deliveries, ...(await lastOfDay(table, day, span, atMost - deliveries.length))];
    if (deliveries.length >= atMost) break;
  }
  deliveries = await withCauses(deliveries, world);
  if (asJson) print(JSON.stringify({ stage: stageName, integration_id: integrationId, deliveries }));
  else if (deliveries.length === 0) print(formatNone('delivery', stageName, span, found, integrationId));
  else print(deliveryRows(deliveries, ['accepted', 'delivery', 'type', 'state', 'since', 'due', 'attempts', 'reason']));
  return 0;
}

/** Those that records list, and among them, or after them, those that only events list. */
async function lastOfDay(table: Lists, day: LedgerDay, span: Span, atMost: number): Promise<readonly FoundDelivery[]> {
  const records = await table.latestRecords(day, atMost);
  const listed = new Set(records.map(({ webhook_id }) => webhook_id));
  const oldest = records.length < atMost ? undefined : records.at(-1);
  const events = createLatestFound<{ readonly webhook_id: string; readonly accepted_at: string }>(atMost);
  const from = oldest === undefined ? span.from : oldest.accepted_at;
  for await (const event of table.listEvents(day, { from, until: span.until })) {
    if (!listed.has(event.webhook_id)) events.add(event);
  }
  const latest = createLatestFound<FoundDelivery>(atMost);
  for (const delivery of records) latest.add(delivery);
  for (const delivery of await unlistedDeliveries(table, day, { ...span, from }, events.latest())) latest.add(delivery);
  return latest.latest();
}
