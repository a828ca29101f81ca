import { alignColumns, oneLine } from '../shared/format.ts';
import { shortTime } from '../shared/time-span.ts';
import type { FoundDelivery } from './find-deliveries.ts';

type Column = readonly [heading: string, cellOf: (delivery: FoundDelivery) => string | undefined];

const COLUMNS = {
  delivery: ['delivery', ({ webhook_id }) => webhook_id],
  integration: ['integration', ({ integration_id }) => integration_id],
  type: ['type', ({ event_type }) => event_type],
  accepted: ['accepted', ({ accepted_at }) => shortTime(accepted_at)],
  state: ['state', ({ state }) => state],
  since: ['since', ({ changed_at }) => shortTime(changed_at)],
  due: ['due', ({ due_at }) => due_at && shortTime(due_at)],
  attempts: ['attempts', ({ attempt }) => String(attempt)],
  reason: [
    'reason',
    ({ reason, cause }) =>
      [reason, cause]
        .flatMap((one) => one ?? [])
        .map(oneLine)
        .join(': ') || undefined,
  ],
} as const satisfies Record<string, Column>;

export type ColumnName = keyof typeof COLUMNS;

/** Deliveries as a table, with the columns that are asked for; of these, those in which nothing stands are left out. */
export function deliveryRows(deliveries: readonly FoundDelivery[], names: readonly ColumnName[]): string {
  const columns: Column[] = names.map((name) => COLUMNS[name]);
  const filled = columns.filter(([, cellOf]) => deliveries.some((delivery) => cellOf(delivery) !== undefined));
  const rows = deliveries.map((delivery) => filled.map(([, cellOf]) => cellOf(delivery) ?? '-'));
  return alignColumns([filled.map(([heading]) => heading), ...rows]);
}
