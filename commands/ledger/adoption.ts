import type { LedgerDay, LedgerTable, ListedDelivery, Span } from '../../lambdas/ledger/ports.ts';
import { alignColumns, formatNumber } from '../shared/format.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import { formatSpan, readSpan, shortTime, spanFields } from '../shared/time-span.ts';
import type { CountOptions } from './count.ts';
import { findDays, formatNone } from './find-deliveries.ts';
import { DEFAULT_SPANS } from './option-values.ts';

/** One enterprise's completions that were delivered. */
export interface Adoption {
  withLearningTime: number;
  /** Since the flag was off for it. */
  flagOff: number;
  /** For another reason: no data, an unidentified learner, or a warehouse that did not respond. */
  otherwise: number;
  /** When the first one with learning time was accepted. */
  firstUse: string | undefined;
}

/** Completions without an enterprise: the warehouse is not queried for them. */
export const NO_ENTERPRISE = '-';

/**
 * `ledger adoption`: which enterprises' completions were delivered with learning time, and since when (requirement S3:
 * user adoption is monitored; here by enterprise, which the flag is on or off for).
 *
 * @throws LedgerUnavailable
 */
export async function adoption(options: CountOptions, world: LedgerSession): Promise<number> {
  const { table, stageName, print, asJson, now } = world;
  const { integration: integrationId } = options;
  const span = readSpan(options, now(), DEFAULT_SPANS.adoption);
  const found = await findDays(table, span, integrationId);
  const progress = createProgressBar({ unit: 'deliveries' });
  const rows = await readAdoption(table, found.days, span, async (read) => progress.report(read));
  progress.end();
  if (asJson) print(JSON.stringify({ stage: stageName, ...spanFields(span), enterprises: rows.map(fieldsOf) }));
  else if (rows.length === 0) print(formatNone('completion', stageName, span, found, integrationId));
  else print(`completions that stage ${stageName} accepted ${formatSpan(span)} and delivered\n${tableOf(rows)}`);
  return 0;
}

/** An enterprise's id, or `NO_ENTERPRISE`, with its completions. */
export type AdoptionRow = readonly [string, Adoption];

/**
 * Reads the deliveries of these days, and counts completions by enterprise.
 *
 * @param report is called after each delivery with how many were read; may throw to stop
 * @returns in the order of the enterprises' ids
 * @throws LedgerUnavailable; what `report` throws
 */
export async function readAdoption(
  table: Pick<LedgerTable, 'listRecords'>,
  days: readonly LedgerDay[],
  span: Span,
  report: (read: number) => Promise<void>,
): Promise<readonly AdoptionRow[]> {
  const enterprises = new Map<string, Adoption>();
  let read = 0;
  for (const day of days) {
    for await (const delivery of table.listRecords(day, span, { states: ['delivered'] })) {
      if (delivery.event_type === 'course_completion') add(delivery, enterprises);
      read += 1;
      await report(read);
    }
  }
  return [...enterprises].sort(([one], [other]) => (one < other ? -1 : 1));
}

function add(
  { enterprise_customer_uuid: id = NO_ENTERPRISE, enrichment, accepted_at }: ListedDelivery,
  all: Map<string, Adoption>,
) {
  const own = all.get(id) ?? { withLearningTime: 0, flagOff: 0, otherwise: 0, firstUse: undefined };
  all.set(id, own);
  if (enrichment?.status === 'enriched') {
    own.withLearningTime += 1;
    if (own.firstUse === undefined || accepted_at < own.firstUse) own.firstUse = accepted_at;
  } else if (enrichment?.status === 'not_enriched' && enrichment.reason === 'flag_off') own.flagOff += 1;
  else own.otherwise += 1;
}

function tableOf(rows: readonly AdoptionRow[]): string {
  const lines = rows.map(([id, { withLearningTime, flagOff, otherwise, firstUse }]) => [
    id,
    ...[withLearningTime, flagOff, otherwise].map((count) => formatNumber(count)),
    firstUse === undefined ? 'never' : shortTime(firstUse),
  ]);
  return alignColumns([['enterprise', 'with learning time', 'flag off', 'without', 'first with'], ...lines]);
}

function fieldsOf([id, { withLearningTime, flagOff, otherwise, firstUse }]: readonly [string, Adoption]) {
  return {
    enterprise_customer_uuid: id === NO_ENTERPRISE ? null : id,
    ...{ with_learning_time: withLearningTime, flag_off: flagOff, without: otherwise },
    first_with_learning_time: firstUse ?? null,
  };
}
