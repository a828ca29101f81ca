import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { webhookId } from '../../lambdas/events/identity.ts';
import { output } from '../demo/operator.ts';
import { completion, ENTERPRISE, enrollment, LEARNER } from '../demo/sample-events.ts';
import type { Session } from '../demo/session.ts';

/** SQS takes ten messages a call. */
const BATCH = 10;

/** So many calls are on their way at once. */
const CALLS_AT_ONCE = 8;

const LEARNERS = [LEARNER.known, LEARNER.idle, LEARNER.unknown, LEARNER.forTwo];

/** Which partner, and which kind of event: most go to two that take everything, one in fifty to each that does not. */
function eventAt(position: number) {
  const eventId = `soak-${position}`;
  const learner = LEARNERS[position % LEARNERS.length] as number;
  if (position % 50 === 7) return enrollment(eventId, 'refusing', learner);
  if (position % 50 === 13) return enrollment(eventId, 'flaky', learner);
  return position % 3 === 0 ? enrollment(eventId, 'percipio', learner) : completion(eventId, 'skillsoft', learner);
}

export interface Published {
  /** Of each event's webhook, by the integration that it is for. */
  readonly webhookIds: ReadonlyMap<string, readonly string[]>;
  /** How many, copies included. */
  readonly messages: number;
}

/** Publishes so many events, and every tenth three times at once, as an LMS does that does not know whether it did. */
export async function publishEvents(
  { platform }: Session,
  events: number,
  report: (published: number) => void,
): Promise<Published> {
  const all = Array.from({ length: events }, (_, position) => eventAt(position));
  const bodies = all.flatMap((event, position) => {
    const body = JSON.stringify(event);
    return position % 10 === 0 ? [body, body, body] : [body];
  });
  const calls = dealt(bodies, Math.ceil(bodies.length / BATCH));
  for (let next = 0; next < calls.length; next += CALLS_AT_ONCE) {
    await Promise.all(calls.slice(next, next + CALLS_AT_ONCE).map((call) => send(platform, call)));
    report(Math.min(bodies.length, (next + CALLS_AT_ONCE) * BATCH));
  }
  const ids = all.map(({ integration_id, event_id }) => [integration_id, webhookId(integration_id, event_id)] as const);
  const byIntegration = Map.groupBy(ids, ([integrationId]) => integrationId);
  const webhookIds = new Map([...byIntegration].map(([id, list]) => [id, list.map(([, webhook]) => webhook)]));
  return { webhookIds, messages: bodies.length };
}

/** Deals out in turn among neighbouring calls, so that copies of one event are in different ones, sent at the same time. */
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

/** @throws Error where SQS does not take one: what was never published cannot be missed */
async function send(platform: Session['platform'], bodies: readonly string[]): Promise<void> {
  const answer = await platform.queues.client.send(
    new SendMessageBatchCommand({
      QueueUrl: output(platform, 'EventsQueueUrl'),
      Entries: bodies.map((MessageBody, at) => ({ Id: String(at), MessageBody, MessageGroupId: ENTERPRISE })),
    }),
  );
  if (answer.Failed?.length) throw new Error(`SQS did not take ${answer.Failed.length} messages`);
}
