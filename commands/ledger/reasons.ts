import { alignColumns, counted, formatNumber } from '../shared/format.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import { formatSpan, readSpan, shortTime, spanFields, type TimeOptions } from '../shared/time-span.ts';
import { findReasons, type ReasonFilter } from './find-reasons.ts';
import { DEFAULT_SPANS } from './option-values.ts';

export interface ReasonsOptions extends TimeOptions {
  readonly state: ReasonFilter['state'];
  readonly integration?: string | undefined;
  /** How many groups are shown at the most. */
  readonly number: number;
}

/** `ledger reasons`: the deliveries in one state, grouped by integration and reason. @throws LedgerUnavailable */
export async function reasons(options: ReasonsOptions, world: LedgerSession): Promise<number> {
  const { table, stageName, print, asJson, now } = world;
  const { state, integration: integrationId, number: atMost } = options;
  const span = readSpan(options, now(), DEFAULT_SPANS.list);
  const progress = createProgressBar({ unit: 'rows read' });
  const found = await findReasons(table, { state, integrationId, span }, atMost, { report: progress.report });
  progress.end();
  const { groups, others, total, rows_read } = found;
  if (asJson) {
    print(JSON.stringify({ stage: stageName, state, ...spanFields(span), total, groups, others, rows_read }));
    return 0;
  }
  const what = `${state}, of what stage ${stageName} accepted ${formatSpan(span)}`;
  if (total === 0) {
    print(`none is ${what}`);
    return 0;
  }
  print(`${formatNumber(total)} ${what}`);
  print(
    alignColumns([
      ['deliveries', 'integration', 'first', 'last', 'the last one', 'reason'],
      ...groups.map(({ deliveries, integration_id, first_at, last_at, example, reason }) => [
        formatNumber(deliveries).padStart('deliveries'.length),
        ...[integration_id, shortTime(first_at), shortTime(last_at), example, reason],
      ]),
    ]),
  );
  if (others > 0)
    print(`and ${counted(others, 'delivery', 'deliveries')} with other reasons: --number shows more groups`);
  return 0;
}
