import {
  CancelMessageMoveTaskCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Clock } from '../../../local/clock/clock.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import { queue } from '../../support/assembly.ts';
import { resolverOf } from '../../support/running-platform.ts';

const MINUTE_MS = 60_000;

let clock: Clock;
let queues: Queues;
/** `Dead` is the dead-letter queue of `Work`; `Elsewhere` belongs to no queue. */
beforeEach(async () => {
  const RedrivePolicy = { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 1 };
  const resources = { Work: queue({ RedrivePolicy }), Dead: queue(), Elsewhere: queue() };
  const resolver = resolverOf(resources, ['AWS::SQS::Queue']);
  clock = new Clock();
  queues = await Queues.start({ clock });
  queues.register(resolver);
  await queues.create(resolver);
});
afterEach(async () => {
  clock.stop();
  await queues.stop();
});

const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const url = (name: string) => queues.find(name).url;
const bodies = async (name: string) => (await queues.content(name)).ready.map(({ body }) => body);

async function startTask(destination = 'Work', more = {}): Promise<string> {
  const request = { SourceArn: arn('Dead'), DestinationArn: arn(destination), ...more };
  return (await queues.client.send(new StartMessageMoveTaskCommand(request))).TaskHandle ?? '';
}

async function list(MaxResults?: number, SourceArn = arn('Dead')) {
  return (await queues.client.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults }))).Results ?? [];
}

const cancel = (TaskHandle: string) => queues.client.send(new CancelMessageMoveTaskCommand({ TaskHandle }));

/** The newest task, once it has ended. */
const ended = () =>
  clock.until('the end of the task', async () => (await list()).find(({ Status }) => Status !== 'RUNNING'));

describe('a move task', () => {
  test('moves the messages of its start to the queue that it names, as new messages with their attributes', async () => {
    const MessageAttributes = {
      Reason: { DataType: 'String', StringValue: 'refused' },
      Bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([1, 2]) },
    };
    const sentId = await queues.send('Dead', { MessageBody: 'a', MessageAttributes });
    await queues.send('Dead', { MessageBody: 'b' });
    await startTask('Work', { MaxNumberOfMessagesPerSecond: 2 });
    await queues.send('Dead', { MessageBody: 'later' });
    expect(await ended()).toEqual({
      Status: 'COMPLETED',
      SourceArn: arn('Dead'),
      DestinationArn: arn('Work'),
      MaxNumberOfMessagesPerSecond: 2,
      ApproximateNumberOfMessagesMoved: 2,
      ApproximateNumberOfMessagesToMove: 2,
      StartedTimestamp: expect.any(Number),
    });
    expect(await bodies('Dead')).toEqual(['later']);
    const { Messages = [] } = await queues.client.send(
      new ReceiveMessageCommand({
        ...{ QueueUrl: url('Work'), MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] },
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    expect(Messages.map(({ Body }) => Body)).toEqual(['a', 'b']);
    expect(Messages[0]).toMatchObject({
      Attributes: { ApproximateReceiveCount: '1' },
      MessageAttributes: { Reason: MessageAttributes.Reason, Bytes: { DataType: 'Binary' } },
    });
    expect([...(Messages[0]?.MessageAttributes?.Bytes?.BinaryValue ?? [])]).toEqual([1, 2]);
    expect(Messages[0]?.MessageId).not.toBe(sentId);
  });

  test('fails if its destination is deleted meanwhile', async () => {
    await queues.send('Dead', { MessageBody: 'a' });
    await startTask('Elsewhere', { MaxNumberOfMessagesPerSecond: 2 });
    await queues.client.send(new DeleteQueueCommand({ QueueUrl: url('Elsewhere') }));
    const FailureReason = 'AWS.SimpleQueueService.NonExistentQueue';
    expect(await ended()).toMatchObject({ Status: 'FAILED', FailureReason, ApproximateNumberOfMessagesMoved: 0 });
    expect(await bodies('Dead')).toEqual(['a']);
  });

  test('leaves received messages, and completes for an empty queue', async () => {
    await queues.send('Dead', { MessageBody: 'a' });
    await queues.client.send(new ReceiveMessageCommand({ QueueUrl: url('Dead'), VisibilityTimeout: 60 }));
    await startTask();
    expect(await ended()).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesToMove: 0 });
    expect((await queues.content('Dead')).inflight).toHaveLength(1);
  });

  test('moves at its rate', async () => {
    for (let sent = 0; sent < 60; sent += 1) await queues.send('Dead', { MessageBody: 'a' });
    const startedMs = Date.now();
    await startTask('Work', { MaxNumberOfMessagesPerSecond: 1 });
    expect(await ended()).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 60 });
    expect(Math.floor((Date.now() - startedMs) / MINUTE_MS)).toBe(1);
  });

  test('is listed with its handle, can be cancelled, and is the only one of its source while it runs', async () => {
    await queues.send('Dead', { MessageBody: 'a' });
    const handle = await startTask('Work', { MaxNumberOfMessagesPerSecond: 1 });
    expect(await list()).toMatchObject([{ TaskHandle: handle, Status: 'RUNNING' }]);
    await expect(startTask()).rejects.toThrow('There is already a task running.');
    expect(await cancel(handle)).toMatchObject({ ApproximateNumberOfMessagesMoved: 0 });
    expect(await bodies('Dead')).toEqual(['a']);
    await expect(cancel(handle)).rejects.toThrow(expect.objectContaining({ name: 'UnsupportedOperation' }));
    await startTask();
    await ended();
    expect((await list(10)).map(({ Status, TaskHandle }) => [Status, TaskHandle])).toEqual([
      ['COMPLETED', undefined],
      ['CANCELLED', undefined],
    ]);
    expect(await list()).toHaveLength(1);
  });
});

describe('what SQS refuses', () => {
  const notFound = 'ResourceNotFoundException';
  const invalid = 'InvalidParameterValue';
  const handleOf = (sourceArn: string) => Buffer.from(JSON.stringify({ taskId: 'none', sourceArn })).toString('base64');

  test.each<[string, () => Promise<unknown>, string, string]>([
    [
      'a source that is no dead-letter queue',
      () => startTask('Elsewhere', { SourceArn: arn('Work') }),
      invalid,
      'Dead',
    ],
    ['an unknown source', () => startTask('Work', { SourceArn: arn('None') }), notFound, 'SourceArn parameter'],
    ['no source', () => startTask('Work', { SourceArn: undefined }), 'MissingParameter', 'the parameter SourceArn'],
    ['an unknown destination', () => startTask('None'), notFound, 'DestinationArn parameter'],
    ['itself as the destination', () => startTask('Dead'), invalid, 'cannot be the same'],
    ['501 messages a second', () => startTask('Work', { MaxNumberOfMessagesPerSecond: 501 }), invalid, '1 and 500'],
    ['to list more than ten tasks', () => list(11), invalid, 'between 1 and 10'],
    ['to list tasks of an unknown queue', () => list(1, arn('None')), notFound, 'SourceArn parameter'],
    ['to cancel with an invalid handle', () => cancel('nonsense'), invalid, 'TaskHandle is invalid'],
    ['to cancel a task of an unknown queue', () => cancel(handleOf(arn('None'))), notFound, "doesn't exist"],
    ['to cancel an unknown task', () => cancel(handleOf(arn('Dead'))), notFound, 'Task does not exist'],
  ])('%s', async (_, request, name, text) => {
    const thrown = await request().catch((error: Error) => error);
    expect(thrown).toMatchObject({ name, message: expect.stringContaining(text) });
  });
});

test('messages count as visible after their visibility timeout, even without a receive', async () => {
  await queues.send('Dead', { MessageBody: 'a' });
  const QueueUrl = url('Dead');
  await queues.client.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: MINUTE_MS / 1000 }));
  const count = async () => {
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] });
    const { Attributes } = await queues.client.send(command);
    return names.map((name) => Attributes?.[name]).join();
  };
  expect(await count()).toBe('0,1');
  await clock.skip(MINUTE_MS);
  expect(await count()).toBe('1,0');
});
