import { enrichmentSchema } from '../../contract/delivery.ts';
import { LEDGER_TABLE, type WebhookState } from '../../contract/ledger.ts';
import type { ListedWebhook } from '../../contract/ledger-ports.ts';
import { timeText } from './compact-time.ts';
import type { Item } from './item-size.ts';

/**
 * A line of a list. It is shown as far as it can be read: one item that a newer version wrote must not hide the others,
 * and whoever acts on a line reads its record first.
 */
export function lineOf(item: Item): ListedWebhook {
  const acceptedAt = acceptedAtOf(item);
  const dueAt = textOf(timeText(item.due_at));
  const reason = textOf(item.reason);
  const enterprise = textOf(item.enterprise_customer_uuid);
  const { data: enrichment } = enrichmentSchema.safeParse(item.enrichment);
  return {
    webhook_id: textOf(item[LEDGER_TABLE.partitionKey]) ?? '',
    integration_id: textOf(item.integration_id) ?? '',
    event_type: textOf(item.event_type) ?? '',
    accepted_at: acceptedAt,
    state: (textOf(item.state) ?? 'accepted') as WebhookState,
    generation: wholeOf(item.generation),
    attempt: wholeOf(item.attempt),
    changed_at: textOf(timeText(item.changed_at)) ?? acceptedAt,
    ...(dueAt !== undefined && { due_at: dueAt }),
    ...(reason !== undefined && { reason }),
    ...(enterprise !== undefined && { enterprise_customer_uuid: enterprise }),
    ...(enrichment !== undefined && { enrichment }),
  };
}

/** The index sorts by `<kind>#<accepted at>`. */
export function acceptedAtOf(item: Item): string {
  const listedAt = textOf(item[LEDGER_TABLE.index.sortKey]) ?? '';
  return listedAt.slice(listedAt.indexOf('#') + 1);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function wholeOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
