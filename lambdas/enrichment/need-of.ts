import type { DeliverySubject } from '../contract/delivery.ts';
import { FEATURE_NAME, type Flag } from '../contract/flag.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { type EnrichmentNeed, enrichmentNeed } from '../domain/enrichment.ts';

/** What an event needs; where the flag was asked, what it said is counted (document 004: all feature checks are recorded). */
export function needOf(subject: DeliverySubject, flag: Flag, counter: Counter): EnrichmentNeed {
  const need = enrichmentNeed(subject, flag);
  if (need.evaluated !== undefined) {
    counter.count(METRICS.featureEvaluated, 1, { feature: FEATURE_NAME, result: need.evaluated });
  }
  return need;
}
