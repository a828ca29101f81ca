import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Redis } from 'iovalkey';
import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import { MAX_BATCH_ENTRIES } from '../../lambdas/shared/sqs.ts';
import type { completion } from '../../local/demo/sample-events.ts';

/** An event's body, not validated. */
export type SampleEvent = ReturnType<typeof completion>;

/** The cache key of requirement T6. */
export function cacheKeyOf({ payload: { user, course, enterprise } }: SampleEvent): string {
  return `learning_time:${user.id}:${course.course_id}:${enterprise.enterprise_customer_uuid}`;
}

/**
 * The minimum work of a warm batch: all GETs in parallel, learning times added to the payloads, ten messages per call, all
 * calls in parallel. Without schema, flag, integration, identity, metrics and log lines.
 */
export function createBareLoop({ CACHE_PORT, DELIVERIES_QUEUE_URL: QueueUrl }: NodeJS.ProcessEnv) {
  const cache = new Redis({ host: '127.0.0.1', port: Number(CACHE_PORT) });
  const client = new SQSClient();
  return async (messages: readonly ReceivedMessage[]): Promise<void> => {
    const events = messages.map(({ body }) => JSON.parse(body) as SampleEvent);
    const cached = await Promise.all(events.map((event) => cache.get(cacheKeyOf(event))));
    const bodies = events.map((event, index) => {
      const { s, d } = JSON.parse(cached[index] ?? '{}');
      return JSON.stringify({ ...event, learning_time: { total_seconds: s, last_updated: d } });
    });
    const calls = Array.from({ length: Math.ceil(bodies.length / MAX_BATCH_ENTRIES) }, (_, call) => {
      const part = bodies.slice(call * MAX_BATCH_ENTRIES, (call + 1) * MAX_BATCH_ENTRIES);
      const Entries = part.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
      return client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    });
    await Promise.all(calls);
  };
}
