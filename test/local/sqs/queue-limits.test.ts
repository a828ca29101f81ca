import {
  CreateQueueCommand,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SendMessageCommand,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Queues } from '../../../local/sqs/queues.ts';

let queues: Queues;
beforeAll(async () => {
  queues = await Queues.start();
});
afterAll(() => queues.stop());

let made = 0;
let QueueUrl = '';
beforeEach(async () => {
  made += 1;
  QueueUrl = (await queues.client.send(new CreateQueueCommand({ QueueName: `queue-${made}` }))).QueueUrl ?? '';
});

/** The name of the error that a request is refused with, or `accepted`. */
const refusal = (sending: Promise<unknown>) =>
  sending.then(
    () => 'accepted',
    (thrown: Error) => thrown.name,
  );

const send = (input: Partial<SendMessageCommandInput>) =>
  refusal(queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'body', ...input })));

async function sendBatch(entries: readonly Partial<SendMessageBatchRequestEntry>[]) {
  const Entries = entries.map((entry, index) => ({ Id: String(index), MessageBody: 'body', ...entry }));
  const { Successful = [], Failed = [] } = await queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  return { taken: Successful.map(({ Id }) => Id), failed: Failed.map(({ Id, Code }) => [Id, Code]) };
}

const receive = async (names: string[] = []) => {
  const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: names });
  return (await queues.client.send(command)).Messages ?? [];
};

const text = (StringValue: string, DataType = 'String'): MessageAttributeValue => ({ DataType, StringValue });
const attributes = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`name_${index}`, text('x')]));
const named = (name: string) => ({ MessageAttributes: { [name]: text('x') } });
const holding = (value: MessageAttributeValue) => ({ MessageAttributes: { name: value } });

const UNACCEPTABLE: readonly [string, Partial<SendMessageCommandInput>][] = [
  ['a delay over 900 s', { DelaySeconds: 901 }],
  ['a deduplication id on a standard queue', { MessageDeduplicationId: 'one' }],
  ['a group of 129 characters', { MessageGroupId: 'g'.repeat(129) }],
  ['a group with a space', { MessageGroupId: 'a b' }],
  ['eleven attributes', { MessageAttributes: attributes(11) }],
  ['an attribute name of 257 characters', named('n'.repeat(257))],
  ['an attribute name that is reserved', named('AWS.name')],
  ['an attribute name with a space', named('a name')],
  ['an attribute name that begins with a dot', named('.name')],
  ['an attribute name with two dots', named('a..name')],
  ['an attribute of no type', holding(text('x', 'Text'))],
  ['an empty attribute', holding(text(''))],
  ['empty bytes', holding({ DataType: 'Binary', BinaryValue: new Uint8Array() })],
  ['a text with a control character', holding(text('a\u0001'))],
  ['a number that is none', holding(text('ten', 'Number'))],
];

const ACCEPTABLE: readonly [string, Partial<SendMessageCommandInput>][] = [
  ['a delay of 900 s', { DelaySeconds: 900 }],
  ['a group on a standard queue (fair queues)', { MessageGroupId: '7d2c1b3a-0000-4000-8000-000000000001' }],
  ['an attribute name that begins like a reserved one', named('AWSome.name')],
  ['labelled types', holding(text('-1.5e3', 'Number.float'))],
  ['any character beyond the basic plane', holding(text('\u{1F600}'))],
  ['bytes', holding({ DataType: 'Binary.png', BinaryValue: new Uint8Array([0, 255]) })],
];

describe('a message', () => {
  test.each(UNACCEPTABLE)('with %s is refused', async (_what, input) => {
    expect(await send(input)).toBe('InvalidParameterValue');
    expect(await receive()).toEqual([]);
  });

  test.each(ACCEPTABLE)('with %s is accepted', async (_what, input) => {
    expect(await send(input)).toBe('accepted');
  });

  test('that is empty, too large or has characters that are not allowed is refused', async () => {
    expect(await send({ MessageBody: '' })).toBe('MissingParameter');
    expect(await send({ MessageBody: 'x'.repeat(1024 * 1024 + 1) })).toBe('InvalidParameterValue');
    expect(await send({ MessageBody: 'a\u0001' })).toBe('InvalidMessageContents');
    expect(await send({ MessageBody: '\u{1F600}' })).toBe('accepted');
    // 1 MiB holds the attributes too.
    const body = 'x'.repeat(1024 * 1024 - 'nameStringx'.length);
    expect(await send({ MessageBody: body, ...holding(text('x')) })).toBe('accepted');
    expect(await send({ MessageBody: `${body}x`, ...holding(text('x')) })).toBe('InvalidParameterValue');
  });
});

describe('a batch', () => {
  test('has the entries refused that no message could be, and the others sent', async () => {
    const entries = [{}, { DelaySeconds: 901 }, { MessageGroupId: 'a b' }, holding(text('')), {}];
    expect(await sendBatch(entries)).toEqual({
      taken: ['0', '4'],
      failed: ['1', '2', '3'].map((id) => [id, 'InvalidParameterValue']),
    });
    expect(await receive()).toHaveLength(2);
  });

  test('names what the server refuses too, and may have nothing else', async () => {
    const { taken, failed } = await sendBatch([{ DelaySeconds: 901 }, { MessageBody: 'a\u0001' }]);
    expect(taken).toEqual([]);
    expect(failed.toSorted()).toEqual([
      ['0', 'InvalidParameterValue'],
      ['1', 'InvalidMessageContents'],
    ]);
    expect(await sendBatch([{ DelaySeconds: 901 }])).toEqual({ taken: [], failed: [['0', 'InvalidParameterValue']] });
  });

  test.each([
    ['no entry', [], 'EmptyBatchRequest'],
    ['eleven entries', Array.from({ length: 11 }, () => ({})), 'TooManyEntriesInBatchRequest'],
    ['the same id twice', [{ Id: 'one' }, { Id: 'one' }], 'BatchEntryIdsNotDistinct'],
    ['an id with a dot', [{ Id: 'a.b' }], 'InvalidBatchEntryId'],
    ['an id of 81 characters', [{ Id: 'i'.repeat(81) }], 'InvalidBatchEntryId'],
    ['an empty body', [{ MessageBody: '' }], 'MissingParameter'],
    ['over 1 MiB', Array.from({ length: 2 }, () => ({ MessageBody: 'x'.repeat(600 * 1024) })), 'BatchRequestTooLong'],
  ])('with %s is refused as a whole', async (_what, entries, code) => {
    expect(await refusal(sendBatch(entries))).toBe(code);
    expect(await receive()).toEqual([]);
  });
});

describe('receiving', () => {
  test('brings the attributes that are asked for, and no others', async () => {
    const named = async (names: string[]) => {
      await send({ MessageAttributes: attributes(2) });
      const [message] = await receive(names);
      return Object.keys(message?.MessageAttributes ?? {});
    };
    expect(await named([])).toEqual([]);
    expect(await named(['name_1'])).toEqual(['name_1']);
    expect(await named(['All'])).toEqual(['name_0', 'name_1']);
  });
});
