import type { Delivery, DeliverySubject } from '../contract/delivery.ts';
import type { VersionedFlag } from '../contract/flag.ts';
import { type KeyFailure, type LearningTime, learnerKeyText } from '../contract/learning-time.ts';
import { METRICS } from '../contract/metrics.ts';
import { answerOf } from '../domain/enrichment.ts';
import { newDelivery, unanswered } from '../domain/progress.ts';
import { enrichmentDueAt } from '../domain/retry-timing.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';
import { forward } from './forward.ts';
import { noteWarehouseFailure } from './note-warehouse-failure.ts';
import type { Asking } from './sort-events.ts';
import { startWorkflows } from './start-workflows.ts';

/** Login and query of a batch, in milliseconds: the function's 40 s leave room to forward afterwards. */
export const BATCH_WAREHOUSE_DEADLINE_MS = 10_000;

/**
 * Asks the warehouse for what the cache did not know, in one query. What it answers is forwarded and cached; what it does
 * not answer waits in a workflow of its own.
 */
export async function answerMisses(
  misses: ReadonlyMap<string, Asking>,
  flag: VersionedFlag,
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  const { cache_ttl_seconds: ttlSeconds, config_version: configVersion } = flag;
  const answers = await askWarehouse(misses, services);
  const found = new Map<string, LearningTime>();
  const settled = new Map<string, Delivery>();
  const pending = new Map<string, Delivery>();
  for (const [id, { subject, key }] of misses) {
    const text = learnerKeyText(key);
    const answer = answers.get(text);
    if (answer === undefined || 'failed' in answer) pending.set(id, pendingDelivery(subject, configVersion, services));
    else {
      found.set(text, answer);
      settled.set(id, newDelivery(subject, answerOf(answer, 'warehouse'), { configVersion }));
    }
  }
  await Promise.all([
    services.cache.write(found, ttlSeconds),
    forward(settled, failures, services),
    startWorkflows(pending, failures, services, async (delivery) => {
      const { token } = await services.workflow.start(delivery);
      services.counter.count(METRICS.taskQueued);
      return { delivery, token };
    }),
  ]);
}

/** The warehouse's answers; none where it failed, so that every event takes the way of a retry. */
async function askWarehouse(
  misses: ReadonlyMap<string, Asking>,
  { warehouse, counter, log, now }: EnrichEventsServices,
) {
  const startedAtMs = now();
  try {
    const keys = [...misses.values()].map(({ key }) => key);
    const answers = await warehouse.ask(keys, BATCH_WAREHOUSE_DEADLINE_MS);
    counter.count(METRICS.querySuccess);
    counter.measure(METRICS.queryDuration, now() - startedAtMs);
    for (const answer of answers.values()) {
      if ('failed' in answer) log.error('warehouse.row_unreadable', { reason: answer.reason });
    }
    return answers;
  } catch (thrown) {
    noteWarehouseFailure(thrown, { events: misses.size }, now() - startedAtMs, { counter, log });
    return new Map<string, LearningTime | KeyFailure>();
  }
}

function pendingDelivery(subject: DeliverySubject, configVersion: string, services: EnrichEventsServices): Delivery {
  const failedAtMs = services.now();
  const dueAt = enrichmentDueAt(failedAtMs, 1, services.random);
  return newDelivery(subject, unanswered(failedAtMs), { dueAt, configVersion });
}
