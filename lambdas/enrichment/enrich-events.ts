import type { Delivery } from '../events/delivery.ts';
import { newDelivery, pendingEnrichment, withOutcome } from '../events/progress.ts';
import { enrichmentDueAt } from '../events/retry-timing.ts';
import { FLAG_OFF, type VersionedFlag } from '../flag/flag-document.ts';
import type { LedgerRecord } from '../ledger/record.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';
import type { Failures, ReceivedMessage } from '../shared/batch-intake.ts';
import type { Log } from '../shared/log.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import {
  type CacheLookup,
  type LearningTime,
  type LearningTimeCache,
  learnerKeyText,
} from '../warehouse/learning-time.ts';
import { type AskWarehouseServices, askWarehouse } from './ask-warehouse.ts';
import { enrichmentOf } from './enrichment-need.ts';
import { type SetTimersServices, setTimers } from './set-timers.ts';
import { type Filtered, type Lookup, type SortEventsServices, type SortedEvents, sortEvents } from './sort-events.ts';
import { startWorkflows } from './start-workflows.ts';

/** Deadline of login and query for a batch, in milliseconds: the function's 40 s leave time to forward afterwards. */
export const BATCH_WAREHOUSE_DEADLINE_MS = 10_000;

/** Created once for an execution environment. */
export interface EnrichEventsServices extends SortEventsServices, SetTimersServices, AskWarehouseServices {
  readonly flag: { read(): Promise<VersionedFlag | undefined> };
  readonly integrations: { read(): Promise<IntegrationRegistry | undefined> };
  readonly cache: LearningTimeCache;
  /** Sends to the deliveries queue. @returns the ids of the messages that SQS refused */
  forward(deliveries: ReadonlyMap<string, Delivery>): Promise<ReadonlySet<string>>;
  random(): number;
}

/**
 * Turns a batch of events into deliveries. Events without a query are forwarded first: cache hits, events whose flag is off,
 * and event types without learning time. One query covers the others; if it fails, each event retries in its own workflow.
 *
 * @returns the messages that SQS has to redeliver, each with the reason
 */
export async function enrichEvents(
  messages: readonly ReceivedMessage[],
  services: EnrichEventsServices,
): Promise<Failures> {
  const { cache, counter, log } = services;
  const [flag = FLAG_OFF, registry] = await Promise.all([services.flag.read(), services.integrations.read()]);
  if (registry === undefined) return holdAll(messages, log);

  const failures = new Map<string, string>();
  const events = await sortEvents(messages, flag, registry, failures, services);
  const { ready, scheduled, lookups } = events;
  const [{ hits, warmed }] = await Promise.all([
    cache.read([...lookups.values()].map(({ key }) => key)),
    recordEvents(events, failures, services),
  ]);
  const misses = new Map<string, Lookup>();
  for (const [id, { subject, key }] of lookups) {
    const hit = hits.get(learnerKeyText(key));
    if (hit === undefined) misses.set(id, { subject, key });
    else ready.set(id, newDelivery(subject, enrichmentOf(hit, 'cache'), { configVersion: flag.config_version }));
  }
  counter.count(METRICS.cacheHit, lookups.size - misses.size);
  counter.count(METRICS.cacheMiss, misses.size);

  await forward(ready, failures, services);
  if (misses.size > 0) await enrichMisses(misses, flag, warmed, failures, services);
  log.info('events.enriched', {
    messages: messages.length,
    ready: ready.size,
    scheduled: scheduled.size,
    asked: misses.size,
    failed: failures.size,
    config_version: flag.config_version,
    // Every delivery in the queue or a workflow: this is a delivery's first log line.
    webhook_ids: [...ready.values(), ...scheduled.values(), ...[...misses.values()].map(({ subject }) => subject)].map(
      ({ webhook_id }) => webhook_id,
    ),
  });
  return failures;
}

/** Without the integrations no endpoint is known, so the messages stay in the queue. */
function holdAll(messages: readonly ReceivedMessage[], log: Log): Failures {
  const reason = 'the integrations were never read';
  log.error('events.held', { messages: messages.length, reason });
  return new Map(messages.map(({ id }) => [id, reason]));
}

/**
 * Records events in the ledger before anything is sent, and removes duplicates. Scheduled events go to their workflows here,
 * and filtered events end here.
 */
async function recordEvents(
  events: SortedEvents,
  failures: Map<string, string>,
  services: EnrichEventsServices,
): Promise<void> {
  const { ready, scheduled, lookups, filtered } = events;
  const all = [
    ...ready.values(),
    ...scheduled.values(),
    ...[...lookups.values()].map(({ subject }) => subject),
    ...[...filtered.values()].map(({ delivery }) => delivery),
  ];
  if (all.length === 0) return;
  const known = await services.ledger.accept(all);
  await setTimers(events, known, failures, services);
  dropKnown(ready, known, (delivery) => delivery.webhook_id, services);
  dropKnown(scheduled, known, (delivery) => delivery.webhook_id, services);
  dropKnown(lookups, known, ({ subject }) => subject.webhook_id, services);
  dropKnown(filtered, known, ({ delivery }) => delivery.webhook_id, services);
  await Promise.all([...filtered.values()].map((one) => recordFiltered(one, services)));
}

function dropKnown<T>(
  events: Map<string, T>,
  known: ReadonlyMap<string, LedgerRecord> | undefined,
  webhookIdOf: (event: T) => string,
  { counter, log }: EnrichEventsServices,
): void {
  for (const [messageId, event] of events) {
    const webhookId = webhookIdOf(event);
    if (!known?.has(webhookId)) continue;
    events.delete(messageId);
    counter.count(METRICS.eventDuplicate);
    log.info('event.duplicate', { webhook_id: webhookId });
  }
}

async function recordFiltered({ delivery, reason }: Filtered, { counter, log, ledger }: EnrichEventsServices) {
  counter.count(METRICS.eventFiltered);
  const { webhook_id, integration_id } = delivery;
  log.info('event.filtered', { webhook_id, integration_id, reason });
  await ledger.settleUnclaimed(delivery, { progress: withOutcome(delivery, 0, 'filtered', reason) });
}

/** Sends deliveries to the queue; messages that SQS refuses fail. */
async function forward(
  deliveries: ReadonlyMap<string, Delivery>,
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  if (deliveries.size === 0) return;
  for (const id of await services.forward(deliveries)) failures.set(id, 'the deliveries queue refused it');
}

/** Queries the warehouse once for all misses. Results are cached; an event without a result retries in a workflow. */
async function enrichMisses(
  misses: ReadonlyMap<string, Lookup>,
  { cache_ttl_seconds: ttlSeconds, config_version: configVersion }: VersionedFlag,
  warmed: CacheLookup['warmed'],
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  const keys = [...misses.values()].map(({ key }) => key);
  const learningTimes = await askWarehouse(keys, BATCH_WAREHOUSE_DEADLINE_MS, { events: misses.size }, services);
  const found = new Map<string, LearningTime>();
  const enriched = new Map<string, Delivery>();
  const pending = new Map<string, Delivery>();
  for (const [id, { subject, key }] of misses) {
    const learningTime = learningTimes.get(learnerKeyText(key));
    if (learningTime === undefined) {
      const failedAtMs = services.now();
      const dueAt = enrichmentDueAt(failedAtMs, 1, services.random);
      pending.set(id, newDelivery(subject, pendingEnrichment(failedAtMs), { dueAt, configVersion }));
    } else {
      found.set(learnerKeyText(key), learningTime);
      enriched.set(id, newDelivery(subject, enrichmentOf(learningTime, 'warehouse'), { configVersion }));
    }
  }
  await Promise.all([
    services.cache.write(found, ttlSeconds, warmed),
    forward(enriched, failures, services),
    startWorkflows(pending, failures, services, async (delivery) => {
      const { token } = await services.workflow.start(delivery);
      services.counter.count(METRICS.taskQueued);
      return { delivery, token };
    }),
  ]);
}
