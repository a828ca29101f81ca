import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { webhookId } from '../../lambdas/events/identity.ts';
import { output } from '../demo/operator.ts';
import { completion, ENTERPRISE, enrollment, LEARNER } from '../demo/sample-events.ts';
import type { Session } from '../demo/session.ts';

/** SQS's maximum per call. */
const BATCH = 10;

/** Number of concurrent calls. */
const CALLS_AT_ONCE = 8;

const LEARNERS = [LEARNER.known, LEARNER.idle, LEARNER.unknown, LEARNER.forTwo];

/** Shares of partners and event types: most go to two that accept everything, 2% to each of the others. */
function eventAt(position: number) {
  const eventId = `soak-${position}`;
  const learner = LEARNERS[position % LEARNERS.length] as number;
  if (position % 50 === 7) return enrollment(eventId, 'refusing', learner);
  if (position % 50 === 13) return enrollment(eventId, 'flaky', learner);
  return position % 3 === 0 ? enrollment(eventId, 'percipio', learner) : completion(eventId, 'skillsoft', learner);
}

export interface Published {
  /** Webhook ids by integration. */
  readonly webhookIds: ReadonlyMap<string, readonly string[]>;
  /** Number of messages, including copies. */
  readonly messages: number;
}

/** Publishes events, every tenth three times, like an LMS that repeats a publish with an unknown result. */
export async function publishEvents({ platform }: Session, events: number): Promise<Published> {
  const all = Array.from({ length: events }, (_, position) => eventAt(position));
  const bodies = all.flatMap((event, position) => {
    const body = JSON.stringify(event);
    return position % 10 === 0 ? [body, body, body] : [body];
  });
  const calls = dealt(bodies, Math.ceil(bodies.length / BATCH));
  for (let next = 0; next < calls.length; next += CALLS_AT_ONCE) {
    await Promise.all(calls.slice(next, next + CALLS_AT_ONCE).map((call) => send(platform, call)));
  }
  const ids = all.map(({ integration_id, event_id }) => [integration_id, webhookId(integration_id, event_id)] as const);
  const byIntegration = Map.groupBy(ids, ([integrationId]) => integrationId);
  const webhookIds = new Map([...byIntegration].map(([id, list]) => [id, list.map(([, webhook]) => webhook)]));
  return { webhookIds, messages: bodies.length };
}

/** Distributes messages over neighbouring calls, so that copies of an event are in different concurrent calls. */
function dealt(bodies: readonly string[], calls: number): string[][] {
  const hands: string[][] = [];
  for (let start = 0; hands.length < calls; start += CALLS_AT_ONCE * BATCH) {
    const some = bodies.slice(start, start + CALLS_AT_ONCE * BATCH);
    const width = Math.ceil(some.length / BATCH);
    const dealtHands = Array.from({ length: width }, (_, hand) => some.filter((_body, at) => at % width === hand));
    hands.push(...dealtHands);
  }
  return hands;
}

/** @throws Error if SQS rejects a message, since the soak counts only published ones */
async function send(platform: Session['platform'], bodies: readonly string[]): Promise<void> {
  const { Failed = [] } = await platform.queues.client.send(
    new SendMessageBatchCommand({
      QueueUrl: output(platform, 'EventsQueueUrl'),
      Entries: bodies.map((MessageBody, at) => ({ Id: String(at), MessageBody, MessageGroupId: ENTERPRISE })),
    }),
  );
  if (Failed.length > 0) throw new Error(`SQS rejected ${Failed.length} messages`);
}
