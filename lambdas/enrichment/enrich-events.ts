import type { Failures, ReceivedMessage } from '../adapters/batch-intake.ts';
import { FLAG_OFF } from '../contract/flag.ts';
import { learnerKeyText } from '../contract/learning-time.ts';
import type { Log } from '../contract/log.ts';
import { METRICS } from '../contract/metrics.ts';
import { answerOf } from '../domain/enrichment.ts';
import { newDelivery } from '../domain/progress.ts';
import { answerMisses } from './answer-misses.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';
import { forward } from './forward.ts';
import { type Asking, sortEvents } from './sort-events.ts';
import { writeDown } from './write-down.ts';

/**
 * Turns a batch of events into deliveries. What is answered already goes out first: cache hits, events whose flag is
 * off, what takes none. Then one query asks for the rest; where it fails, each event waits in a workflow of its own.
 */
export async function enrichEvents(
  messages: readonly ReceivedMessage[],
  services: EnrichEventsServices,
): Promise<Failures> {
  const [flag = FLAG_OFF, book] = await Promise.all([services.flag.read(), services.integrations.read()]);
  const failures = new Map<string, string>();
  if (book === undefined) return holdAll(messages, services.log);

  const events = await sortEvents(messages, flag, book, failures, services);
  const { ready, timed, asking } = events;
  const [hits] = await Promise.all([
    services.cache.read([...asking.values()].map(({ key }) => key)),
    writeDown(events, failures, services),
  ]);
  const misses = new Map<string, Asking>();
  for (const [id, { subject, key }] of asking) {
    const hit = hits.get(learnerKeyText(key));
    if (hit === undefined) misses.set(id, { subject, key });
    else ready.set(id, newDelivery(subject, answerOf(hit, 'cache'), { configVersion: flag.config_version }));
  }
  services.counter.count(METRICS.cacheHit, asking.size - misses.size);
  services.counter.count(METRICS.cacheMiss, misses.size);

  await forward(ready, failures, services);
  if (misses.size > 0) await answerMisses(misses, flag, failures, services);
  services.log.info('events.enriched', {
    messages: messages.length,
    ready: ready.size,
    timed: timed.size,
    asked: misses.size,
    failed: failures.size,
    config_version: flag.config_version,
    // What was forwarded, to the deliveries queue or the workflow: a webhook's story begins here.
    webhook_ids: [...ready.values(), ...timed.values(), ...[...misses.values()].map(({ subject }) => subject)].map(
      ({ webhook_id }) => webhook_id,
    ),
  });
  return failures;
}

/** Without the integrations nobody may guess where a webhook goes: the messages stay in the queue. */
function holdAll(messages: readonly ReceivedMessage[], log: Log): Failures {
  const reason = 'the integrations were never read';
  log.error('events.held', { messages: messages.length, reason });
  return new Map(messages.map(({ id }) => [id, reason]));
}
