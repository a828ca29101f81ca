import type { DecidedEnrichment, DeliverySubject } from '../events/delivery.ts';
import { definitionOfType } from '../events/event-types/event-types.ts';
import { evaluateFlag } from '../flag/evaluate-flag.ts';
import type { Flag } from '../flag/flag-document.ts';
import { type Counter, type EvaluationReason, FEATURE_NAME, METRICS } from '../shared/metric-definitions.ts';
import type { LearnerKey, LearningTime } from '../warehouse/learning-time.ts';

/**
 * Whether an event needs a query: either the key to query, or the enrichment without one. `evaluated` is the result of the
 * flag, if it was evaluated.
 */
export type EnrichmentNeed =
  | { readonly key: LearnerKey; readonly evaluated: EvaluationReason }
  | { readonly decided: DecidedEnrichment; readonly evaluated?: EvaluationReason };

/** What an event needs. Counts the flag's evaluation, because every feature check is recorded. */
export function countedNeed(subject: DeliverySubject, flag: Flag, counter: Counter): EnrichmentNeed {
  const need = enrichmentNeed(subject, flag);
  if (need.evaluated !== undefined) {
    counter.count(METRICS.featureEvaluated, 1, { feature: FEATURE_NAME, result: need.evaluated });
  }
  return need;
}

export function enrichmentNeed(subject: DeliverySubject, flag: Flag): EnrichmentNeed {
  if (definitionOfType(subject.event_type).enrichment === 'none') return notEnriched('not_a_completion');
  if (!flag.enabled) return { ...notEnriched('flag_off'), evaluated: 'off' };
  const key = learnerKey(subject);
  if (key === undefined) return notEnriched('learner_not_identified');
  const { isOn, reason } = evaluateFlag(flag, key.enterpriseId);
  return isOn ? { key, evaluated: reason } : { ...notEnriched('flag_off'), evaluated: reason };
}

function notEnriched(reason: 'not_a_completion' | 'flag_off' | 'learner_not_identified') {
  return { decided: { status: 'not_enriched', reason } } as const;
}

/** No rows mean no learning time; a sum of 0 is sent as 0. */
export function enrichmentOf(learningTime: LearningTime, source: 'cache' | 'warehouse'): DecidedEnrichment {
  if (!learningTime.found) return { status: 'not_enriched', reason: 'no_data' };
  return {
    status: 'enriched',
    total_seconds: learningTime.totalSeconds,
    last_updated: `${learningTime.lastDate}T00:00:00Z`,
    source,
  };
}

/** The warehouse key of a delivery's learner; undefined if the event does not identify the learner. */
export function learnerKey(delivery: DeliverySubject): LearnerKey | undefined {
  const { user_id: userId, course_id: courseId, enterprise_customer_uuid: enterpriseId } = delivery;
  if (userId === undefined || courseId === undefined || enterpriseId === undefined) return undefined;
  return { userId, courseId, enterpriseId };
}
