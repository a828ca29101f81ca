import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Redis } from 'iovalkey';
import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import { MAX_BATCH_ENTRIES } from '../../lambdas/shared/sqs.ts';
import type { completion } from '../../local/demo/sample-events.ts';

/** An event as its body has it, without any check. */
export type SampleEvent = ReturnType<typeof completion>;

/** Document 001's key, and ours. */
export function cacheKeyOf({ payload: { user, course, enterprise } }: SampleEvent): string {
  return `learning_time:${user.id}:${course.course_id}:${enterprise.enterprise_customer_uuid}`;
}

/**
 * The least that a warm batch takes: all GETs in parallel, learning times put into the payloads, ten messages in a call, all
 * calls in parallel. No schema, flag, integration, identity, count or log line.
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
