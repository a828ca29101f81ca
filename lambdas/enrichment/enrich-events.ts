import type { Failures, ReceivedMessage } from '../adapters/batch-intake.ts';
import type { Delivery, DeliverySubject, SettledEnrichment } from '../contract/delivery.ts';
import type { Workflow } from '../contract/delivery-ports.ts';
import { errorFields, errorName } from '../contract/errors.ts';
import { FLAG_OFF, type Flag } from '../contract/flag.ts';
import {
  type KeyFailure,
  type LearnerKey,
  type LearningTime,
  type LearningTimeCache,
  learnerKeyText,
  type Warehouse,
} from '../contract/learning-time.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { acceptEvent } from '../domain/accept-event.ts';
import { answerOf, enrichmentNeed } from '../domain/enrichment.ts';
import type { IntegrationBook } from '../domain/integrations.ts';
import { newDelivery } from '../domain/progress.ts';
import { enrichmentDueAt } from '../domain/retry-timing.ts';

/** Login and query of a batch, in milliseconds (design.md): the function's 30 s leave room to forward afterwards. */
export const BATCH_WAREHOUSE_DEADLINE_MS = 10_000;

/** Executions started side by side; StartExecution allows 1,300 in a burst in the smaller regions. */
const STARTS_AT_ONCE = 20;

export interface EnrichEventsServices {
  readonly flag: { read(): Promise<Flag | undefined> };
  readonly integrations: { read(): Promise<IntegrationBook | undefined> };
  readonly cache: LearningTimeCache;
  readonly warehouse: Warehouse;
  readonly workflow: Workflow;
  /** Sends to the deliveries queue. @returns the ids of those that were refused */
  forward(deliveries: ReadonlyMap<string, Delivery>): Promise<ReadonlySet<string>>;
  /** Dead-letters messages of the events queue. @returns the ids of those that could not be */
  deadLetter(
    messages: readonly (ReceivedMessage & { readonly reason: string; readonly integrationId?: string })[],
  ): Promise<ReadonlySet<string>>;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
  random(): number;
}

/** An accepted event that still needs the warehouse, by the id of its message. */
type Asking = ReadonlyMap<string, { readonly subject: DeliverySubject; readonly key: LearnerKey }>;

/**
 * Turns a batch of events into deliveries. What is answered already goes out first: cache hits, events whose flag is
 * off, enrollments. Then one query asks for the rest; where it fails, each event waits in a workflow of its own.
 */
export async function enrichEvents(
  messages: readonly ReceivedMessage[],
  services: EnrichEventsServices,
): Promise<Failures> {
  const [flag = FLAG_OFF, book] = await Promise.all([services.flag.read(), services.integrations.read()]);
  const failures = new Map<string, string>();
  if (book === undefined) return holdAll(messages, services.log);

  const { ready, asking } = await sortOut(messages, flag, book, failures, services);
  const hits = await services.cache.read([...asking.values()].map(({ key }) => key));
  const misses = new Map<string, { subject: DeliverySubject; key: LearnerKey }>();
  for (const [id, { subject, key }] of asking) {
    const hit = hits.get(learnerKeyText(key));
    if (hit === undefined) misses.set(id, { subject, key });
    else ready.set(id, newDelivery(subject, answerOf(hit, 'cache')));
  }
  services.counter.count(METRICS.cacheHit, asking.size - misses.size);
  services.counter.count(METRICS.cacheMiss, misses.size);

  await forward(ready, failures, services);
  if (misses.size > 0) await askForMisses(misses, flag.cache_ttl_seconds, failures, services);
  services.log.info('events.enriched', {
    messages: messages.length,
    ready: ready.size,
    asked: misses.size,
    failed: failures.size,
  });
  return failures;
}

/** Without the integrations nobody may guess where a webhook goes: the messages stay in the queue. */
function holdAll(messages: readonly ReceivedMessage[], log: Log): Failures {
  const reason = 'the integrations were never read';
  log.error('events.held', { messages: messages.length, reason });
  return new Map(messages.map(({ id }) => [id, reason]));
}

/** Reads every message: what needs nothing more, what needs the warehouse; the rest is dealt with here. */
async function sortOut(
  messages: readonly ReceivedMessage[],
  flag: Flag,
  book: IntegrationBook,
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  const ready = new Map<string, Delivery>();
  const asking = new Map<string, { subject: DeliverySubject; key: LearnerKey }>();
  const rejected: (ReceivedMessage & { reason: string; integrationId?: string })[] = [];
  for (const message of messages) {
    const acceptance = acceptEvent(message.body, book);
    if (acceptance.verdict === 'accepted') {
      const { subject } = acceptance;
      const need = enrichmentNeed(subject, flag);
      if ('key' in need) asking.set(message.id, { subject, key: need.key });
      else ready.set(message.id, newDelivery(subject, warnIfUnidentified(need.settled, subject, services.log)));
    } else if (acceptance.verdict === 'held') {
      failures.set(message.id, acceptance.reason);
      services.log.error('events.held', { messages: 1, reason: acceptance.reason });
    } else if (acceptance.verdict === 'unwanted') {
      services.counter.count(METRICS.eventUnwanted);
      services.log.info('event.unwanted', { integration_id: acceptance.integrationId, reason: acceptance.reason });
    } else {
      rejected.push({ ...message, ...acceptance });
    }
  }
  await reject(rejected, failures, services);
  return { ready, asking };
}

function warnIfUnidentified(settled: SettledEnrichment, subject: DeliverySubject, log: Log): SettledEnrichment {
  if (settled.status === 'plain' && settled.reason === 'learner_not_identified') {
    log.warn('event.learner_not_identified', {
      webhook_id: subject.webhook_id,
      has_user_id: subject.user_id !== undefined,
      has_course_id: subject.course_id !== undefined,
      has_enterprise: subject.enterprise_customer_uuid !== undefined,
    });
  }
  return settled;
}

async function reject(
  rejected: readonly (ReceivedMessage & { reason: string; integrationId?: string })[],
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  if (rejected.length === 0) return;
  const stuck = await services.deadLetter(rejected);
  for (const { id, reason, integrationId } of rejected) {
    if (stuck.has(id)) {
      failures.set(id, 'the dead letter queue refused it');
      continue;
    }
    services.counter.count(METRICS.eventRejected);
    services.log.error('event.rejected', { message_id: id, integration_id: integrationId, reason });
  }
}

async function forward(
  deliveries: ReadonlyMap<string, Delivery>,
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  if (deliveries.size === 0) return;
  for (const id of await services.forward(deliveries)) failures.set(id, 'the deliveries queue refused it');
}

async function askForMisses(
  misses: Asking,
  ttlSeconds: number,
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  const answers = await askWarehouse(misses, services);
  const found = new Map<string, LearningTime>();
  const settled = new Map<string, Delivery>();
  const pending = new Map<string, Delivery>();
  for (const [id, { subject, key }] of misses) {
    const text = learnerKeyText(key);
    const answer = answers.get(text);
    if (answer === undefined || 'failed' in answer) pending.set(id, pendingDelivery(subject, services));
    else {
      found.set(text, answer);
      settled.set(id, newDelivery(subject, answerOf(answer, 'warehouse')));
    }
  }
  await Promise.all([
    services.cache.write(found, ttlSeconds),
    forward(settled, failures, services),
    startWorkflows(pending, failures, services),
  ]);
}

/** The warehouse's answers; none where it failed, so that every event takes the way of a retry. */
async function askWarehouse(misses: Asking, { warehouse, counter, log }: EnrichEventsServices) {
  try {
    const keys = [...misses.values()].map(({ key }) => key);
    const answers = await warehouse.ask(keys, BATCH_WAREHOUSE_DEADLINE_MS);
    counter.count(METRICS.querySuccess);
    for (const answer of answers.values()) {
      if ('failed' in answer) log.error('warehouse.row_unreadable', { reason: answer.reason });
    }
    return answers;
  } catch (thrown) {
    counter.count(METRICS.queryFailure);
    log.error('warehouse.failed', { events: misses.size, ...errorFields(thrown) });
    return new Map<string, LearningTime | KeyFailure>();
  }
}

function pendingDelivery(subject: DeliverySubject, services: EnrichEventsServices): Delivery {
  const failedAtMs = services.now();
  const enrichment = { status: 'pending', tries: 1, first_failed_at: new Date(failedAtMs).toISOString() } as const;
  return newDelivery(subject, enrichment, enrichmentDueAt(failedAtMs, 1, services.random));
}

async function startWorkflows(
  deliveries: ReadonlyMap<string, Delivery>,
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  const waiting = [...deliveries];
  const startNext = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [id, delivery] = next;
      try {
        await services.workflow.start(delivery);
        services.counter.count(METRICS.enrichmentRetry);
      } catch (thrown) {
        failures.set(id, `the workflow did not start: ${errorName(thrown)}`);
        services.log.error('workflow.start_failed', { webhook_id: delivery.webhook_id, ...errorFields(thrown) });
      }
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startNext));
}
