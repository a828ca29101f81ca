import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { lambdaFunction, mapping, queue, STACK, until, writeAssembly } from '../support/assembly.ts';

// A loaded machine takes seconds to start eight processes.
jest.setTimeout(20_000);

/** Failed messages return after a sixtieth of their time: of 60 s, one remains. */
const TIME_SCALE = 60;

const batch = `const bodies = ({ Records }) => Records.map(({ body }) => JSON.parse(body));`;
const modules = {
  // Each handler says what it got on stdout; a test reads it there.
  partial: `${batch} export const handler = async (event) => {
    const counts = event.Records.map(({ attributes }) => attributes.ApproximateReceiveCount);
    console.log(JSON.stringify({ bodies: bodies(event), counts }));
    const failed = event.Records.filter(({ body, attributes }) =>
      JSON.parse(body).failures >= Number(attributes.ApproximateReceiveCount));
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };`,
  unknown: `export const handler = async ({ Records }) => {
    console.log(Records[0].attributes.ApproximateReceiveCount);
    return Records[0].attributes.ApproximateReceiveCount === '1' ? { batchItemFailures: [{ itemIdentifier: 'x' }] } : {};
  };`,
  hang: `${batch} export const handler = async (event) => {
    console.log(event.Records[0].attributes.ApproximateReceiveCount);
    if (event.Records[0].attributes.ApproximateReceiveCount === '1') await new Promise((r) => setTimeout(r, 60_000));
  };`,
  fail: `export const handler = async () => { throw new Error('always'); };`,
  size: `export const handler = async ({ Records }) => { console.log(Records.length); };`,
  busy: `export const handler = async () => {
    console.log('enter'); await new Promise((r) => setTimeout(r, 150)); console.log('leave'); };`,
  scarce: `export const handler = async ({ Records }) => {
    console.log(Records[0].attributes.ApproximateReceiveCount); await new Promise((r) => setTimeout(r, 150)); };`,
  later: `export const handler = async ({ Records }) => {
    const { body, receiptHandle, attributes, messageId } = Records[0];
    console.log(attributes.ApproximateReceiveCount);
    if (attributes.ApproximateReceiveCount !== '1') return;
    await fetch(process.env.AWS_ENDPOINT_URL_SQS, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ChangeMessageVisibility' },
      body: JSON.stringify({ QueueUrl: process.env.QUEUE_URL, ReceiptHandle: receiptHandle, VisibilityTimeout: 240 }),
    });
    return { batchItemFailures: [{ itemIdentifier: messageId }] };
  };`,
};

const consumers = {
  Partial: ['partial', { VisibilityTimeout: 60 }, {}],
  Unknown: ['unknown', { VisibilityTimeout: 60 }, {}],
  Hang: ['hang', { VisibilityTimeout: 60 }, {}],
  Fail: ['fail', { VisibilityTimeout: 60 }, {}],
  Size: ['size', {}, { BatchSize: 25, MaximumBatchingWindowInSeconds: 2, ScalingConfig: { MaximumConcurrency: 2 } }],
  Busy: ['busy', {}, { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } }],
  Later: ['later', { VisibilityTimeout: 60 }, {}],
  Scarce: ['scarce', { VisibilityTimeout: 60 }, { BatchSize: 1 }],
  Dormant: ['scarce', { VisibilityTimeout: 60 }, {}],
} as const;

const resources = Object.entries(consumers).flatMap(([id, [module, queueProperties, mappingProperties]]) => {
  const redrive = {
    RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] }, maxReceiveCount: 2 },
  };
  const limits = id === 'Scarce' ? { ReservedConcurrentExecutions: 1 } : {};
  return [
    [`${id}Queue`, queue({ ...queueProperties, ...(id === 'Fail' && redrive) })],
    [`${id}Function`, lambdaFunction(module, limits, { QUEUE_URL: { Ref: `${id}Queue` } })],
    [`${id}Mapping`, mapping(`${id}Queue`, `${id}Function`, mappingProperties)],
  ];
});
const { directory, remove } = writeAssembly({
  modules,
  resources: { ...Object.fromEntries(resources), DeadLetters: queue() },
});
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ assemblyDirectory: directory, stackName: STACK, timeScale: TIME_SCALE });
});
afterAll(async () => {
  await platform.stop();
  remove();
});

const lines = (id: string) =>
  platform.functions
    .find(`${id}Function`)
    .logs()
    .map(({ text }) => text);
const send = (id: string, body: unknown) => platform.queues.send(`${id}Queue`, { MessageBody: JSON.stringify(body) });
const isEmpty = async (id: string) => {
  const { ready, delayed, inflight } = await platform.queues.content(`${id}Queue`);
  return ready.length + delayed.length + inflight.length === 0;
};

describe('an event source mapping', () => {
  test.concurrent('deletes what succeeded and brings only the failed message again', async () => {
    await Promise.all([0, 1, 0].map((failures, index) => send('Partial', { index, failures })));
    await until(() => isEmpty('Partial'));
    const seen = lines('Partial').map((line) => JSON.parse(line) as { bodies: { index: number }[]; counts: string[] });
    const received = seen.flatMap(({ bodies, counts }) => bodies.map(({ index }, at) => `${index}:${counts[at]}`));
    expect(received.sort()).toEqual(['0:1', '1:1', '1:2', '2:1']);
  });

  test.concurrent('takes an id that it does not know for the failure of the batch', async () => {
    await send('Unknown', {});
    await until(() => isEmpty('Unknown'));
    expect(lines('Unknown')).toEqual(['1', '2']);
  });

  test.concurrent('brings the messages of a killed process again', async () => {
    await send('Hang', {});
    await until(() => lines('Hang').length === 1);
    platform.functions.find('HangFunction').killOne();
    await until(() => isEmpty('Hang'));
    expect(lines('Hang')).toEqual(['1', '2']);
  });

  test.concurrent('leaves a message that fails too often to the dead letter queue', async () => {
    await send('Fail', { id: 'poison' });
    const { ready } = await until(async () => {
      const content = await platform.queues.content('DeadLetters');
      return content.ready.length > 0 && content;
    });
    expect(ready.map(({ body }) => body)).toEqual(['{"id":"poison"}']);
  });

  test.concurrent('gathers over its window, beyond the ten that SQS gives at once', async () => {
    const QueueUrl = platform.queues.find('SizeQueue').url;
    const Entries = Array.from({ length: 4 }, (_, index) => ({ Id: String(index), MessageBody: '{}' }));
    for (let sent = 0; sent < 4; sent += 1) {
      await platform.queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    }
    await until(() => isEmpty('Size'));
    const sizes = lines('Size').map(Number);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(16);
    // Two pollers may share them; without a window the third and fourth sending would find both busy.
    expect(sizes.length).toBeLessThanOrEqual(2);
  });

  test.concurrent('never invokes more than MaximumConcurrency at once', async () => {
    await Promise.all(Array.from({ length: 6 }, () => send('Busy', {})));
    await until(() => isEmpty('Busy'));
    expect(platform.functions.find('BusyFunction').processIds()).toHaveLength(2);
    expect(lines('Busy')).toHaveLength(12);
  });

  test.concurrent('tries a throttled batch again before it becomes visible', async () => {
    await Promise.all([1, 2, 3].map(() => send('Scarce', {})));
    await until(() => isEmpty('Scarce'));
    expect(lines('Scarce')).toEqual(['1', '1', '1']);
    expect(platform.functions.find('ScarceFunction').processIds()).toHaveLength(1);
  });

  test.concurrent('tries a batch again whose function is inactive', async () => {
    const pool = platform.functions.find('DormantFunction');
    pool.refuseWith('ResourceNotReadyException');
    await send('Dormant', {});
    await until(async () => (await platform.queues.content('DormantQueue')).inflight.length === 1);
    pool.refuseWith(undefined);
    await until(() => isEmpty('Dormant'));
    expect(lines('Dormant')).toEqual(['1']);
  });

  test.concurrent('leaves a failed message as long as its handler asked for, in scaled time', async () => {
    const queueName = 'LaterQueue';
    await send('Later', {});
    await until(() => lines('Later').length === 1);
    const leftSeconds = await until(async () => {
      const [entry] = (await platform.queues.content(queueName)).inflight;
      const seconds = ((entry?.visibilityDeadline ?? 0) - Date.now()) / 1000;
      return seconds > 0 && seconds < 30 && seconds;
    });
    // 240 s asked for, of which a sixtieth; the queue's own timeout would have left 1 s.
    expect(leftSeconds).toBeGreaterThan(2);
    expect(leftSeconds).toBeLessThanOrEqual(4);
  });
});
