import {
  CancelMessageMoveTaskCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Clock } from '../../../local/clock/clock.ts';
import { Queues } from '../../../local/sqs/queues.ts';
import { queue } from '../../support/assembly.ts';
import { resolverOf } from '../../support/running-platform.ts';

const MINUTE_MS = 60_000;

let clock: Clock;
let queues: Queues;
afterEach(async () => {
  clock.stop();
  await queues.stop();
});

/** `Work` and `Other` have the dead-letter queue `Dead`; `Elsewhere` belongs to no queue. */
async function start(): Promise<void> {
  const policy = { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 1 };
  const withDead = { RedrivePolicy: policy, VisibilityTimeout: 0 };
  const resources = { Work: queue(withDead), Other: queue(withDead), Dead: queue(), Elsewhere: queue() };
  const resolver = resolverOf(resources, ['AWS::SQS::Queue']);
  clock = new Clock();
  queues = await Queues.start({ clock });
  queues.register(resolver);
  await queues.create(resolver);
}

const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const bodies = async (name: string) => (await queues.content(name)).ready.map(({ body }) => body);

async function startTask(destination?: string, perSecond?: number): Promise<string> {
  const { TaskHandle } = await queues.client.send(
    new StartMessageMoveTaskCommand({
      SourceArn: arn('Dead'),
      ...(destination !== undefined && { DestinationArn: arn(destination) }),
      ...(perSecond !== undefined && { MaxNumberOfMessagesPerSecond: perSecond }),
    }),
  );
  return TaskHandle ?? '';
}

async function list(maxResults?: number): Promise<ListMessageMoveTasksResultEntry[]> {
  const input = { SourceArn: arn('Dead'), ...(maxResults !== undefined && { MaxResults: maxResults }) };
  return (await queues.client.send(new ListMessageMoveTasksCommand(input))).Results ?? [];
}

const cancel = (TaskHandle: string) => queues.client.send(new CancelMessageMoveTaskCommand({ TaskHandle }));

/** The newest task, once it has ended. */
const ended = () =>
  clock.until('the end of the task', async () => (await list()).find(({ Status }) => Status !== 'RUNNING'));

/** Receives a message of a queue once more than its redrive policy allows, so that SQS moves it. */
async function failUntilDead(name: string, body: string): Promise<void> {
  await queues.send(name, { MessageBody: body });
  const receive = new ReceiveMessageCommand({ QueueUrl: queues.find(name).url });
  for (let receives = 0; receives < 2; receives += 1) await queues.client.send(receive);
  expect(await bodies('Dead')).toContain(body);
}

describe('a move task', () => {
  test('moves what was sent to a dead letter queue to the queue that it names, as new messages', async () => {
    await start();
    const attributes = {
      Reason: { DataType: 'String', StringValue: 'refused' },
      Bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([1, 2]) },
    };
    const sentId = await queues.send('Dead', { MessageBody: 'a', MessageAttributes: attributes });
    await queues.send('Dead', { MessageBody: 'b' });
    await startTask('Work');
    expect(await ended()).toEqual({
      Status: 'COMPLETED',
      SourceArn: arn('Dead'),
      DestinationArn: arn('Work'),
      ApproximateNumberOfMessagesMoved: 2,
      ApproximateNumberOfMessagesToMove: 2,
      StartedTimestamp: expect.any(Number),
    });
    expect(await bodies('Dead')).toEqual([]);
    const { Messages = [] } = await queues.client.send(
      new ReceiveMessageCommand({
        QueueUrl: queues.find('Work').url,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    expect(Messages.map(({ Body }) => Body)).toEqual(['a', 'b']);
    expect(Messages[0]).toMatchObject({
      Attributes: { ApproximateReceiveCount: '1' },
      MessageAttributes: { Reason: attributes.Reason, Bytes: { DataType: 'Binary' } },
    });
    expect([...(Messages[0]?.MessageAttributes?.Bytes?.BinaryValue ?? [])]).toEqual([1, 2]);
    expect(Messages[0]?.MessageId).not.toBe(sentId);
  });

  test('moves what SQS moved there back to where each came from, where it names none', async () => {
    await start();
    await failUntilDead('Work', 'from work');
    await failUntilDead('Other', 'from other');
    await startTask();
    const task = await ended();
    expect(task).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 2 });
    expect(task).not.toHaveProperty('DestinationArn');
    expect([await bodies('Work'), await bodies('Other')]).toEqual([['from work'], ['from other']]);
    expect((await queues.content('Work')).ready).toMatchObject([{ approximateReceiveCount: 0 }]);
  });

  test('fails at a message that was sent there, where it names no destination', async () => {
    await start();
    await failUntilDead('Work', 'moved');
    await queues.send('Dead', { MessageBody: 'sent' });
    await startTask();
    expect(await ended()).toMatchObject({
      Status: 'FAILED',
      FailureReason: 'CouldNotDetermineMessageSource',
      ApproximateNumberOfMessagesMoved: 1,
      ApproximateNumberOfMessagesToMove: 2,
    });
    expect(await bodies('Dead')).toEqual(['sent']);
  });

  test('fails where its destination is deleted meanwhile', async () => {
    await start();
    await queues.send('Dead', { MessageBody: 'a' });
    await startTask('Elsewhere', 2);
    await queues.client.send(new DeleteQueueCommand({ QueueUrl: queues.find('Elsewhere').url }));
    expect(await ended()).toMatchObject({
      Status: 'FAILED',
      FailureReason: 'AWS.SimpleQueueService.NonExistentQueue',
      ApproximateNumberOfMessagesMoved: 0,
    });
    expect(await bodies('Dead')).toEqual(['a']);
  });

  test('moves as many as there were when it began, so that letters do not go round', async () => {
    await start();
    await queues.send('Dead', { MessageBody: 'a' });
    await startTask('Work', 2);
    await queues.send('Dead', { MessageBody: 'later' });
    expect(await ended()).toMatchObject({ ApproximateNumberOfMessagesMoved: 1 });
    expect(await bodies('Dead')).toEqual(['later']);
  });

  test('leaves received messages, and completes for an empty queue', async () => {
    await start();
    await queues.send('Dead', { MessageBody: 'a' });
    await queues.client.send(new ReceiveMessageCommand({ QueueUrl: queues.find('Dead').url, VisibilityTimeout: 60 }));
    await startTask('Work');
    expect(await ended()).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesToMove: 0 });
    expect((await queues.content('Dead')).inflight).toHaveLength(1);
  });

  test('moves as fast as it was asked to', async () => {
    await start();
    const messages = Array.from({ length: 120 }, (_, index) => ({ Id: String(index % 10), MessageBody: 'a' }));
    const QueueUrl = queues.find('Dead').url;
    for (let from = 0; from < messages.length; from += 10) {
      await queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries: messages.slice(from, from + 10) }));
    }
    const startedMs = Date.now();
    await startTask('Work', 1);
    expect(await ended()).toMatchObject({ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 120 });
    expect(Math.floor((Date.now() - startedMs) / MINUTE_MS)).toBe(2);
  });
});

describe('a running task', () => {
  test('is listed with its handle, and can be cancelled: the rest stays', async () => {
    await start();
    await queues.send('Dead', { MessageBody: 'a' });
    const handle = await startTask('Work', 1);
    const running = {
      TaskHandle: handle,
      Status: 'RUNNING',
      MaxNumberOfMessagesPerSecond: 1,
      ApproximateNumberOfMessagesMoved: 0,
      ApproximateNumberOfMessagesToMove: 1,
    };
    expect(await list()).toEqual([expect.objectContaining(running)]);
    expect(await cancel(handle)).toMatchObject({ ApproximateNumberOfMessagesMoved: 0 });
    const [task] = await list();
    expect(task).toMatchObject({ Status: 'CANCELLED', ApproximateNumberOfMessagesMoved: 0 });
    expect(task).not.toHaveProperty('TaskHandle');
    expect(await bodies('Dead')).toEqual(['a']);
    await expect(cancel(handle)).rejects.toThrow(expect.objectContaining({ name: 'UnsupportedOperation' }));
  });

  test('is the only one of its source; after it, another may run', async () => {
    await start();
    await queues.send('Dead', { MessageBody: 'a' });
    const handle = await startTask('Work', 1);
    await expect(startTask('Work')).rejects.toThrow('There is already a task running.');
    await cancel(handle);
    await startTask('Work', 500);
    await ended();
    expect((await list(10)).map(({ Status }) => Status)).toEqual(['COMPLETED', 'CANCELLED']);
    expect((await list()).map(({ Status }) => Status)).toEqual(['COMPLETED']);
  });
});

describe('what SQS refuses', () => {
  const notFound = 'ResourceNotFoundException';
  const invalid = 'InvalidParameterValue';

  test.each([
    ['a source that is no dead letter queue', { SourceArn: arn('Work') }, invalid, 'Source queue must be configured'],
    ['an unknown source', { SourceArn: arn('Nothing') }, notFound, 'SourceArn parameter'],
    ['no source', { SourceArn: undefined }, 'MissingParameter', 'the parameter SourceArn'],
    ['an unknown destination', { DestinationArn: arn('Nothing') }, notFound, 'DestinationArn parameter'],
    ['itself as the destination', { DestinationArn: arn('Dead') }, invalid, 'cannot be the same'],
    ['no message a second', { MaxNumberOfMessagesPerSecond: 0 }, invalid, 'between 1 and 500'],
    ['501 messages a second', { MaxNumberOfMessagesPerSecond: 501 }, invalid, 'between 1 and 500'],
  ])('%s', async (_, input, name, text) => {
    await start();
    const sent = queues.client.send(new StartMessageMoveTaskCommand({ SourceArn: arn('Dead'), ...input }));
    const error = await sent.then(
      () => undefined,
      (thrown) => thrown,
    );
    expect([error.name, error.message]).toEqual([name, expect.stringContaining(text)]);
  });

  test('to list what is not there, or more than ten', async () => {
    await start();
    await expect(list(11)).rejects.toThrow('between 1 and 10');
    const unknown = new ListMessageMoveTasksCommand({ SourceArn: arn('Nothing') });
    await expect(queues.client.send(unknown)).rejects.toThrow(expect.objectContaining({ name: notFound }));
  });

  test('to cancel what is no task', async () => {
    await start();
    const handleOf = (sourceArn: string) =>
      Buffer.from(JSON.stringify({ taskId: 'none', sourceArn })).toString('base64');
    await expect(cancel('nonsense')).rejects.toThrow('Value for parameter TaskHandle is invalid.');
    await expect(cancel(handleOf(arn('Nothing')))).rejects.toThrow("SourceArn parameter doesn't exist");
    await expect(cancel(handleOf(arn('Dead')))).rejects.toThrow('Task does not exist.');
  });
});

test('messages count as visible after their visibility timeout, even without a receive', async () => {
  await start();
  await queues.send('Dead', { MessageBody: 'a' });
  const QueueUrl = queues.find('Dead').url;
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
