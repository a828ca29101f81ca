import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { lambdaFunction, mapping, queue } from '../../support/assembly.ts';
import { runningPlatform } from '../../support/running-platform.ts';

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
  hang: `export const handler = async ({ Records }) => {
    console.log(Records[0].attributes.ApproximateReceiveCount + ' ' + Date.now());
    if (Records[0].attributes.ApproximateReceiveCount === '1') await new Promise((r) => setTimeout(r, 60_000));
  };`,
  fail: `export const handler = async () => { throw new Error('always'); };`,
  size: `export const handler = async ({ Records }) => {
    const [first, last] = [Records[0], Records.at(-1)].map(({ attributes }) => Number(attributes.SentTimestamp));
    console.log(JSON.stringify({ size: Records.length, waited: Date.now() - first, spread: last - first })); };`,
  busy: `export const handler = async () => {
    console.log('enter'); await new Promise((r) => setTimeout(r, 150)); console.log('leave'); };`,
  scarce: `export const handler = async ({ Records }) => {
    console.log(Records[0].attributes.ApproximateReceiveCount); await new Promise((r) => setTimeout(r, 150)); };`,
  later: `export const handler = async ({ Records }) => {
    const { body, receiptHandle, attributes, messageId } = Records[0];
    console.log(Date.now());
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
  Partial: ['partial', { VisibilityTimeout: 600 }, {}],
  Unknown: ['unknown', { VisibilityTimeout: 600 }, {}],
  Hang: ['hang', { VisibilityTimeout: 600 }, {}],
  Fail: ['fail', { VisibilityTimeout: 600 }, {}],
  // Lambda has at least two pollers, which share what arrives; one gathers all of it.
  Size: [
    'size',
    { VisibilityTimeout: 600 },
    { BatchSize: 25, MaximumBatchingWindowInSeconds: 60, ScalingConfig: { MaximumConcurrency: 1 } },
  ],
  Busy: ['busy', {}, { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } }],
  Later: ['later', { VisibilityTimeout: 600 }, {}],
  Scarce: ['scarce', { VisibilityTimeout: 600 }, { BatchSize: 1 }],
  Dormant: ['scarce', { VisibilityTimeout: 600 }, {}],
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
const platform = runningPlatform({
  modules,
  resources: { ...Object.fromEntries(resources), DeadLetters: queue() },
});

const lines = (id: string) =>
  platform()
    .functions.find(`${id}Function`)
    .logs()
    .map(({ text }) => text);
const send = (id: string, body: unknown) => platform().queues.send(`${id}Queue`, { MessageBody: JSON.stringify(body) });
/** Until a queue is empty. */
const emptied = (id: string) =>
  platform().until(`${id} is empty`, () => platform().queues.messages(`${id}Queue`).length === 0);
const MINUTE_MS = 60_000;

describe('an event source mapping', () => {
  test('deletes what succeeded and brings only the failed message again', async () => {
    await Promise.all([0, 1, 0].map((failures, index) => send('Partial', { index, failures })));
    await emptied('Partial');
    const seen = lines('Partial').map((line) => JSON.parse(line) as { bodies: { index: number }[]; counts: string[] });
    const received = seen.flatMap(({ bodies, counts }) => bodies.map(({ index }, at) => `${index}:${counts[at]}`));
    expect(received.sort()).toEqual(['0:1', '1:1', '1:2', '2:1']);
  });

  test('takes an id that it does not know for the failure of the batch', async () => {
    await send('Unknown', {});
    await emptied('Unknown');
    expect(lines('Unknown')).toEqual(['1', '2']);
  });

  test('brings the messages of a killed process again, when their visibility timeout is over', async () => {
    await send('Hang', {});
    const pool = platform().functions.find('HangFunction');
    await platform().until('the function hangs', () => pool.logs().length === 1);
    const [message] = (await platform().queues.content('HangQueue')).inflight;
    pool.killOne();
    await emptied('Hang');
    const [first, second] = lines('Hang').map((line) => line.split(' ').map(Number)) as [number[], number[]];
    expect([first[0], second[0]]).toEqual([1, 2]);
    // As soon as it is visible again, and before anything else is due.
    expect(minutesBetween(message?.visibilityDeadline, second[1])).toBe(0);
  });

  test('leaves a message that fails too often to the dead letter queue', async () => {
    await send('Fail', { id: 'poison' });
    const ready = await platform().until('a dead-letter message', async () => {
      const content = await platform().queues.content('DeadLetters');
      return content.ready.length > 0 && content.ready;
    });
    expect(ready.map(({ body }) => body)).toEqual(['{"id":"poison"}']);
  });

  test('gathers over its window, beyond the ten that SQS gives at once', async () => {
    const QueueUrl = platform().queues.find('SizeQueue').url;
    const Entries = Array.from({ length: 8 }, (_, index) => ({ Id: String(index), MessageBody: '{}' }));
    const sendEight = () => platform().queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    await sendEight();
    await platform().skip(MINUTE_MS / 2);
    await sendEight();
    expect(lines('Size')).toEqual([]);
    await emptied('Size');
    const [only, ...rest] = lines('Size').map((line) => JSON.parse(line));
    expect(rest).toEqual([]);
    expect(only.size).toBe(16);
    expect(Math.floor(only.waited / MINUTE_MS)).toBe(1);
    expect(only.spread).toBeGreaterThanOrEqual(MINUTE_MS / 2);
  });

  test('does not wait for the end of its window where the batch is full', async () => {
    const before = platform().clockOffsetMs;
    await Promise.all(Array.from({ length: 25 }, () => send('Size', {})));
    await emptied('Size');
    expect(platform().clockOffsetMs).toBe(before);
    expect(JSON.parse(lines('Size').at(-1) ?? '')).toMatchObject({ size: 25 });
  });

  test('never invokes more than MaximumConcurrency at once', async () => {
    await Promise.all(Array.from({ length: 6 }, () => send('Busy', {})));
    await emptied('Busy');
    expect(platform().functions.find('BusyFunction').processIds()).toHaveLength(2);
    expect(lines('Busy')).toHaveLength(12);
  });

  test('invokes again with a throttled batch before it becomes visible', async () => {
    await Promise.all([1, 2, 3].map(() => send('Scarce', {})));
    await emptied('Scarce');
    expect(lines('Scarce')).toEqual(['1', '1', '1']);
    expect(platform().functions.find('ScarceFunction').processIds()).toHaveLength(1);
  });

  test('invokes again with a batch whose function is inactive', async () => {
    const pool = platform().functions.find('DormantFunction');
    pool.refuseWith('ResourceNotReadyException');
    await send('Dormant', {});
    await platform().skip(MINUTE_MS);
    expect((await platform().queues.content('DormantQueue')).inflight).toHaveLength(1);
    pool.refuseWith(undefined);
    await emptied('Dormant');
    expect(lines('Dormant')).toEqual(['1']);
  });

  test('leaves a failed message as long as its handler asked for', async () => {
    await send('Later', {});
    await emptied('Later');
    const [first, second] = lines('Later').map(Number);
    // 240 s; the queue's own visibility timeout is ten minutes.
    expect(minutesBetween(first, second)).toBe(4);
  });
});

function minutesBetween(fromMs = 0, toMs = 0): number {
  return Math.floor((toMs - fromMs) / MINUTE_MS);
}
