import type { DeliveryState } from '../../lambdas/ledger/record.ts';
import { formatNumber } from '../shared/format.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import { formatSpan, readSpan, spanFields, type TimeOptions } from '../shared/time-span.ts';
import { withCauses } from './find-causes.ts';
import { createLatestFound, deliveriesIn, type FoundDelivery, findDays, formatNone } from './find-deliveries.ts';
import { deliveryRows } from './format-rows.ts';
import { DEFAULT_SPANS } from './option-values.ts';

export interface ListOptions extends TimeOptions {
  readonly state: DeliveryState;
  readonly integration?: string | undefined;
  /** A part of the reason. */
  readonly error?: string | undefined;
  /** How many are shown at the most. */
  readonly number: number;
}

/** `ledger list`: all deliveries in one state, the latest first. @throws LedgerUnavailable */
export async function list(options: ListOptions, world: LedgerSession): Promise<number> {
  const { table, stageName, print, asJson, now } = world;
  const { state, integration: integrationId, error: reason, number: atMost } = options;
  const span = readSpan(options, now(), DEFAULT_SPANS.list);
  const found = await findDays(table, span, integrationId);
  const latest = createLatestFound<FoundDelivery>(atMost);
  const progress = createProgressBar({ total: found.days.length, unit: 'days' });
  for (const [position, day] of found.days.entries()) {
    for await (const delivery of deliveriesIn(table, day, span, { state, reason })) latest.add(delivery);
    progress.report(position + 1);
  }
  progress.end();
  const deliveries = await withCauses(latest.latest(), world);
  if (asJson) {
    print(JSON.stringify({ stage: stageName, state, ...spanFields(span), total: latest.total, deliveries }));
    return 0;
  }
  if (latest.total === 0) {
    const what = `${state} delivery${reason === undefined ? '' : ` whose reason contains “${reason}”`}`;
    print(formatNone(what, stageName, span, found, integrationId));
    return 0;
  }
  print(`${formatNumber(latest.total)} ${state}, of what stage ${stageName} accepted ${formatSpan(span)}`);
  print(
    deliveryRows(deliveries, ['delivery', 'integration', 'type', 'accepted', 'since', 'due', 'attempts', 'reason']),
  );
  const more = latest.total - deliveries.length;
  if (more > 0)
    print(`and ${formatNumber(more)} more, accepted before these: --number shows more, --until earlier ones`);
  return 0;
}
