import { ReceiveMessageCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Clock } from '../../../local/clock/clock.ts';
import { LocalMetrics } from '../../../local/cloudwatch/metrics.ts';
import { QueueMetrics } from '../../../local/cloudwatch/queue-metrics.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import { queue } from '../../support/assembly.ts';
import { resolverOf } from '../../support/running-platform.ts';

const clock = new Clock();
let queues: Queues;
beforeAll(async () => {
  queues = await Queues.start({ clock });
  const resolver = resolverOf({ Q: queue({ VisibilityTimeout: 0 }) });
  queues.register(resolver);
  await queues.create(resolver);
});
afterAll(async () => {
  clock.stop();
  await queues.stop();
});

/** What SQS would have reported to CloudWatch by now. */
function reported() {
  const metrics = new LocalMetrics();
  new QueueMetrics(queues, metrics).sampleAll();
  const last = (name: string) => {
    const id = { namespace: 'AWS/SQS', name, dimensions: { QueueName: 'Q' } };
    return metrics.between(id, 0, Number.POSITIVE_INFINITY).at(-1)?.value;
  };
  return {
    visible: last('ApproximateNumberOfMessagesVisible'),
    ageSeconds: last('ApproximateAgeOfOldestMessage'),
  };
}

test('a queue is as long as its messages are many, and as old as the oldest that was received less than three times', async () => {
  expect(reported()).toEqual({ visible: 0, ageSeconds: 0 });
  await queues.send('Q', { MessageBody: 'first' });
  await clock.skip(90_000);
  await queues.send('Q', { MessageBody: 'second' });
  const { visible, ageSeconds = 0 } = reported();
  expect(visible).toBe(2);
  expect(Math.floor(ageSeconds / 60)).toBe(1);
  // It stands first, and becomes visible at once.
  const { url } = queues.find('Q');
  const receive = () => queues.client.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
  for (let receives = 0; receives < 3; receives += 1) await receive();
  expect(reported()).toMatchObject({ ageSeconds: 0 });
});

test('is sampled every minute', async () => {
  const metrics = new LocalMetrics();
  const startedMs = Date.now();
  new QueueMetrics(queues, metrics).start(clock);
  await clock.skip(3.5 * 60_000);
  const id = { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName: 'Q' } };
  const samples = metrics.between(id, 0, Number.POSITIVE_INFINITY);
  expect(samples.map(({ at }) => Math.floor((at - startedMs) / 60_000))).toEqual([1, 2, 3]);
});

test('counts the messages that a queue accepted, one by one and in batches', async () => {
  const metrics = new LocalMetrics();
  new QueueMetrics(queues, metrics);
  const { url: QueueUrl } = queues.find('Q');
  await queues.send('Q', { MessageBody: 'single' });
  const Entries = [
    { Id: 'a', MessageBody: 'first' },
    { Id: 'b', MessageBody: 'refused', DelaySeconds: 901 },
    { Id: 'c', MessageBody: 'second' },
  ];
  await queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  await queues.send('Q', { MessageBody: 'refused', DelaySeconds: 901 }).catch(() => undefined);
  const id = { namespace: 'AWS/SQS', name: 'NumberOfMessagesSent', dimensions: { QueueName: 'Q' } };
  expect(metrics.between(id, 0, Number.POSITIVE_INFINITY).map(({ value }) => value)).toEqual([1, 2]);
});
