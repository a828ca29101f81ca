import type { Enrichment, PLAIN_REASONS } from '../../lambdas/contract/delivery.ts';
import { definitionOfType } from '../../lambdas/contract/event-types/event-types.ts';
import type { LedgerEvent, LedgerRecord } from '../../lambdas/contract/ledger.ts';
import { formatDuration, formatNumber } from '../shared/format.ts';
import { shortTime } from '../shared/time-span.ts';

const PLAIN_WORDS: Readonly<Record<(typeof PLAIN_REASONS)[number], string>> = {
  not_a_completion: 'the event is no completion',
  flag_off: 'it is switched off for this enterprise, or was',
  no_data: 'the warehouse has none',
  learner_not_identified: 'user, course or enterprise are unknown',
  warehouse_unavailable: 'the warehouse did not answer',
};

/** What is known of a webhook's learning time. @param event undefined where it was deleted */
export function learningTimeWords(record: LedgerRecord | undefined, event: LedgerEvent | undefined): string {
  const enrichment = record?.enrichment ?? usualOf(record ?? event);
  switch (enrichment?.status) {
    case undefined:
      return 'not known here yet';
    case 'pending':
      return `not known yet: ${enrichment.tries} failed so far, the first at ${shortTime(enrichment.first_failed_at)}`;
    case 'enriched': {
      const { total_seconds, last_updated, source } = enrichment;
      return `${formatNumber(total_seconds)} s (${formatDuration(total_seconds * 1000)}) by ${last_updated.slice(0, 10)}, from the ${source}`;
    }
    case 'plain':
      return `none: ${PLAIN_WORDS[enrichment.reason]}`;
  }
}

/** Of some types it is known before anybody asks. */
function usualOf(subject: Pick<LedgerEvent, 'event_type'> | undefined): Enrichment | undefined {
  if (subject === undefined || definitionOfType(subject.event_type).enrichment !== 'none') return undefined;
  return { status: 'plain', reason: 'not_a_completion' };
}
