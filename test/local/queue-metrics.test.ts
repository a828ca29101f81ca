import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LocalMetrics } from '../../local/metrics.ts';
import { QueueMetrics } from '../../local/queue-metrics.ts';
import { Queues } from '../../local/queues.ts';
import { Resolver } from '../../local/resolver.ts';
import type { Template } from '../../local/template.ts';
import { until } from '../support/assembly.ts';

const template: Template = {
  resources: { Q: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 0 } } },
  parameters: {},
  outputs: {},
  assetDirectories: new Map(),
};

let queues: Queues;
beforeAll(async () => {
  queues = await Queues.start(0);
  const resolver = new Resolver(template, 'Stack', new Set());
  queues.register(template, resolver);
  await queues.create(resolver);
});
afterAll(() => queues.stop());

/** What SQS would have told CloudWatch by now. */
async function told(): Promise<{ readonly visible: number | undefined; readonly ageSeconds: number | undefined }> {
  const metrics = new LocalMetrics();
  await new QueueMetrics(queues, metrics).sampleAll();
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
  expect(await told()).toEqual({ visible: 0, ageSeconds: 0 });
  await queues.send('Q', { MessageBody: 'first' });
  const first = Date.now();
  await until(() => Date.now() - first > 1100);
  await queues.send('Q', { MessageBody: 'second' });
  const { visible, ageSeconds = 0 } = await told();
  expect(visible).toBe(2);
  expect(ageSeconds).toBeGreaterThanOrEqual(1);
  // It stands first, and becomes visible at once.
  const { url } = queues.find('Q');
  const receive = () => queues.client.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
  for (let receives = 0; receives < 3; receives += 1) await receive();
  expect(await told()).toMatchObject({ ageSeconds: 0 });
});
