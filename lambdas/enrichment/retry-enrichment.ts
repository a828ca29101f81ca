import type { DecidedEnrichment, Delivery, Enrichment, PendingEnrichment, Progress } from '../events/delivery.ts';
import { decisionOf } from '../events/progress.ts';
import { enrichmentDueAt } from '../events/retry-timing.ts';
import { FLAG_OFF, type VersionedFlag } from '../flag/flag-document.ts';
import type { Log } from '../shared/log.ts';
import { type LearningTimeCache, learnerKeyText } from '../warehouse/learning-time.ts';
import { type AskWarehouseServices, askWarehouse } from './ask-warehouse.ts';
import { countedNeed, enrichmentOf } from './enrichment-need.ts';

/** Deadline of login and query for a retry, in milliseconds (requirement T5). */
export const TASK_WAREHOUSE_DEADLINE_MS = 30_000;

export interface RetryEnrichmentServices extends AskWarehouseServices {
  readonly flag: { read(): Promise<VersionedFlag | undefined> };
  readonly cache: LearningTimeCache;
  random(): number;
}

/**
 * Makes one retry for a delivery whose learning time is pending. The workflow decides whether another one follows.
 *
 * Reads the flag first: if it was switched off since, the event is delivered now, without learning time.
 *
 * @returns the next progress: decided, or pending with one more failed attempt and the next due time
 */
export async function retryEnrichment(delivery: Delivery, services: RetryEnrichmentServices): Promise<Progress> {
  const { progress, ...subject } = delivery;
  if (progress.enrichment.status !== 'pending') return progress;
  const flag = (await services.flag.read()) ?? FLAG_OFF;
  const current = { ...delivery, progress: { ...progress, config_version: flag.config_version } };
  const need = countedNeed(subject, flag, services.counter);
  if ('decided' in need) return decidedProgress(current, need.decided, services.log);

  const { hits, warmed } = await services.cache.read([need.key]);
  const hit = hits.get(learnerKeyText(need.key));
  if (hit !== undefined) return decidedProgress(current, enrichmentOf(hit, 'cache'), services.log);
  const fields = { webhook_id: delivery.webhook_id, events: 1 };
  const learningTimes = await askWarehouse([need.key], TASK_WAREHOUSE_DEADLINE_MS, fields, services);
  const learningTime = learningTimes.get(learnerKeyText(need.key));
  if (learningTime === undefined) return failedProgress(current.progress, progress.enrichment, services.random);
  await services.cache.write(new Map([[learnerKeyText(need.key), learningTime]]), flag.cache_ttl_seconds, warmed);
  return decidedProgress(current, enrichmentOf(learningTime, 'warehouse'), services.log);
}

function decidedProgress(delivery: Delivery, enrichment: DecidedEnrichment, log: Log): Progress {
  const { webhook_id, progress } = delivery;
  const reason = enrichment.status === 'not_enriched' ? enrichment.reason : undefined;
  log.info('enrichment.decided', {
    webhook_id,
    status: enrichment.status,
    reason,
    config_version: progress.config_version,
  });
  return withEnrichment(progress, enrichment, progress.due_at);
}

function failedProgress(progress: Progress, pending: PendingEnrichment, random: () => number): Progress {
  const attempts = pending.attempts + 1;
  const dueAt = enrichmentDueAt(Date.parse(pending.first_failed_at), attempts, random);
  return withEnrichment(progress, { ...pending, attempts }, dueAt.toISOString());
}

function withEnrichment(
  { attempt, config_version, timed, earlier_attempts }: Progress,
  enrichment: Enrichment,
  due_at: string | null,
): Progress {
  return {
    ...decisionOf({ enrichment, config_version }),
    ...{ attempt, due_at },
    // A scheduled delivery has pending learning time if its event was published again.
    ...(timed && { timed }),
    ...(earlier_attempts !== undefined && { earlier_attempts }),
  };
}
