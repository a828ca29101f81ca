import type { Delivery, Enrichment, PendingEnrichment, Progress, SettledEnrichment } from '../contract/delivery.ts';
import { FLAG_OFF, type VersionedFlag } from '../contract/flag.ts';
import {
  type LearnerKey,
  type LearningTime,
  type LearningTimeCache,
  learnerKeyText,
  type Warehouse,
} from '../contract/learning-time.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { answerOf } from '../domain/enrichment.ts';
import { decisionOf } from '../domain/progress.ts';
import { enrichmentDueAt } from '../domain/retry-timing.ts';
import { needOf } from './need-of.ts';
import { noteWarehouseFailure } from './note-warehouse-failure.ts';

/** Login and query of a retry, in milliseconds (document 001: "aggressive timeouts (30s)"). */
export const TASK_WAREHOUSE_DEADLINE_MS = 30_000;

export interface RetryEnrichmentServices {
  readonly flag: { read(): Promise<VersionedFlag | undefined> };
  readonly cache: LearningTimeCache;
  readonly warehouse: Warehouse;
  readonly log: Log;
  readonly counter: Counter;
  /** Wall clock, ms. */
  now(): number;
  random(): number;
}

/**
 * One retry of a delivery whose learning time is pending. Returns the next progress: settled, or pending with one
 * failed try more and the next due time. Whether tries are left is the workflow's to decide.
 *
 * The flag is read first: switched off while the event waited means it goes out now, plain.
 */
export async function retryEnrichment(delivery: Delivery, services: RetryEnrichmentServices): Promise<Progress> {
  const { progress, ...subject } = delivery;
  if (progress.enrichment.status !== 'pending') return progress;
  const flag = (await services.flag.read()) ?? FLAG_OFF;
  const decided = { ...delivery, progress: { ...progress, config_version: flag.config_version } };
  const need = needOf(subject, flag, services.counter);
  if ('settled' in need) return settledProgress(decided, need.settled, services.log);

  const hit = (await services.cache.read([need.key])).get(learnerKeyText(need.key));
  if (hit !== undefined) return settledProgress(decided, answerOf(hit, 'cache'), services.log);
  const answer = await askWarehouse(delivery, need.key, services);
  if (answer === undefined) return failedProgress(decided.progress, progress.enrichment, services.random);
  await services.cache.write(new Map([[learnerKeyText(need.key), answer]]), flag.cache_ttl_seconds);
  return settledProgress(decided, answerOf(answer, 'warehouse'), services.log);
}

async function askWarehouse(
  delivery: Delivery,
  key: LearnerKey,
  { warehouse, counter, log, now }: RetryEnrichmentServices,
): Promise<LearningTime | undefined> {
  const startedAtMs = now();
  try {
    const answers = await warehouse.ask([key], TASK_WAREHOUSE_DEADLINE_MS);
    counter.count(METRICS.querySuccess);
    counter.measure(METRICS.queryDuration, now() - startedAtMs);
    const answer = answers.get(learnerKeyText(key));
    if (answer !== undefined && !('failed' in answer)) return answer;
    log.error('warehouse.row_unreadable', { webhook_id: delivery.webhook_id, reason: answer?.reason });
  } catch (thrown) {
    const fields = { webhook_id: delivery.webhook_id, events: 1 };
    noteWarehouseFailure(thrown, fields, now() - startedAtMs, { counter, log });
  }
  return undefined;
}

function settledProgress(delivery: Delivery, enrichment: SettledEnrichment, log: Log): Progress {
  const { webhook_id, progress } = delivery;
  const reason = enrichment.status === 'plain' ? enrichment.reason : undefined;
  log.info('enrichment.settled', {
    webhook_id,
    status: enrichment.status,
    reason,
    config_version: progress.config_version,
  });
  return withEnrichment(progress, enrichment, progress.due_at);
}

function failedProgress(progress: Progress, pending: PendingEnrichment, random: () => number): Progress {
  const tries = pending.tries + 1;
  const dueAt = enrichmentDueAt(Date.parse(pending.first_failed_at), tries, random);
  return withEnrichment(progress, { ...pending, tries }, dueAt.toISOString());
}

function withEnrichment(
  { attempt, config_version, timed, earlier_tries }: Progress,
  enrichment: Enrichment,
  due_at: string | null,
): Progress {
  return {
    ...decisionOf({ enrichment, config_version }),
    ...{ attempt, due_at },
    // One that waits for its moment comes here where it was published anew.
    ...(timed && { timed }),
    ...(earlier_tries !== undefined && { earlier_tries }),
  };
}
