import { deliverySchema } from '../../lambdas/events/delivery.ts';
import type { LedgerTable, ReadWatch, Span } from '../../lambdas/ledger/ports.ts';
import type { DeliveryState, LedgerRecord } from '../../lambdas/ledger/record.ts';
import { patternOf } from '../ledger/group-reasons.ts';
import { CommandFailed } from '../shared/failures.ts';
import { isInFlight } from './replay-deliveries.ts';

/** A delivery that may be resent. */
export interface Found extends Pick<LedgerRecord, 'webhook_id' | 'integration_id' | 'state' | 'accepted_at'> {
  /** Then it is left alone. */
  readonly isInFlight: boolean;
}

export interface ReplayFilter {
  /** Undefined: of all. */
  readonly integrationId: string | undefined;
  readonly states: readonly DeliveryState[];
  /** By when they were accepted. */
  readonly span: Span;
  /** A part of the reason that the ledger gives. */
  readonly reason: string | undefined;
  /** See `reasonPattern`. */
  readonly like?: string | undefined;
}

/** Deliveries by their ids, each once. @throws CommandFailed where one of them is unknown; LedgerUnavailable */
export async function findById(
  table: Pick<LedgerTable, 'records' | 'event'>,
  webhookIds: readonly string[],
  nowMs: number,
): Promise<readonly Found[]> {
  const asked = [...new Set(webhookIds)];
  const possible = asked.filter((id) => deliverySchema.shape.webhook_id.safeParse(id).success);
  const records = await table.records(possible);
  const found = await Promise.all(
    asked.map(async (id) => {
      const record = records.get(id);
      if (record !== undefined) return { ...record, isInFlight: isInFlight(record, nowMs) };
      return possible.includes(id) ? unclaimed(table, id) : undefined;
    }),
  );
  const unknown = asked.filter((_, position) => found[position] === undefined);
  if (unknown.length > 0) {
    const [first = '', ...others] = unknown;
    const whose =
      others.length === 0 ? `no delivery has the id ${first}` : `no deliveries have the ids ${unknown.join(', ')}`;
    throw new CommandFailed(`${whose}: nothing is replayed`);
  }
  return found.filter((delivery) => delivery !== undefined);
}

async function unclaimed(table: Pick<LedgerTable, 'event'>, webhookId: string): Promise<Found | undefined> {
  const event = await table.event(webhookId);
  return event === undefined ? undefined : { ...event, state: 'accepted', isInFlight: true };
}

/** Deliveries that a filter finds, the oldest first; not all of them, if the read was ended. @throws LedgerUnavailable */
export async function findByFilter(
  table: Pick<LedgerTable, 'days' | 'listRecords'>,
  { integrationId, states, span, reason, like }: ReplayFilter,
  watch: ReadWatch = {},
): Promise<readonly Found[]> {
  const found = new Map<string, Found>();
  for (const day of await table.days(span)) {
    if (integrationId !== undefined && day.integrationId !== integrationId) continue;
    const filter = { states, ...(reason !== undefined && { reason }) };
    for await (const delivery of table.listRecords(day, span, filter, watch)) {
      const { webhook_id, integration_id, state, accepted_at } = delivery;
      if (like !== undefined && patternOf(delivery) !== like) continue;
      found.set(webhook_id, { webhook_id, integration_id, state, accepted_at, isInFlight: false });
    }
  }
  return [...found.values()].sort((one, other) => (one.accepted_at < other.accepted_at ? -1 : 1));
}
