import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { factsOf } from '../../lambdas/ledger/late-outcome.ts';
import {
  outcomeSender,
  type UnsettledOutcome,
  unsettledOutcomeSchema,
} from '../../lambdas/ledger/unsettled-outcome.ts';
import type { OutgoingMessage } from '../../lambdas/shared/queue-message.ts';
import { chunk, createQueues, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from '../../lambdas/shared/sqs.ts';
import { clientOptions } from '../support/client-options.ts';
import { delivery, ENRICHED, fakeLog, NOW } from '../support/factories.ts';

let server: FauxqsServer;
let client: SQSClient;
/** Entries of each SendMessageBatch that was sent, over all tests. */
const batches: {
  queueUrl: string | undefined;
  bodies: (string | undefined)[];
  groups: (string | undefined)[];
}[] = [];

beforeAll(async () => {
  server = await startFauxqs({ port: 0, logger: false });
  client = new SQSClient(clientOptions(`http://127.0.0.1:${server.port}`));
  client.middlewareStack.add(
    (next, context) => (args) => {
      if (context.commandName === SendMessageBatchCommand.name) {
        const { QueueUrl, Entries = [] } = args.input as SendMessageBatchCommand['input'];
        batches.push({
          queueUrl: QueueUrl,
          bodies: Entries.map(({ MessageBody }) => MessageBody),
          groups: Entries.map(({ MessageGroupId }) => MessageGroupId),
        });
      }
      return next(args);
    },
    { step: 'initialize' },
  );
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});

let queuesMade = 0;
async function newQueue(): Promise<string> {
  queuesMade += 1;
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: `queue-${queuesMade}` }));
  return QueueUrl;
}

async function messagesIn(queueUrl: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
    );
    if (Messages.length === 0) return all;
    all.push(...Messages);
  }
}

function queues() {
  const log = fakeLog();
  return { log, ...createQueues({ client, log }) };
}

const bodies = (messages: readonly Message[]) => messages.map(({ Body }) => Body).toSorted();
const message = (id: string, overrides: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  id,
  body: id,
  ...overrides,
});

describe('the count', () => {
  test('includes messages in flight and delayed messages', async () => {
    const queueUrl = await newQueue();
    const { send, count } = queues();
    expect(await count(queueUrl)).toBe(0);
    await send(queueUrl, [message('one'), message('two'), message('late', { delaySeconds: 900 })]);
    await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 1 }));
    expect(await count(queueUrl)).toBe(3);
  });

  test('is undefined if SQS fails: a queue never counts as empty by mistake', async () => {
    const { count, log } = queues();
    expect(await count(`http://127.0.0.1:${server.port}/000000000000/none`)).toBeUndefined();
    expect(log.only('queue.count_failed')).toMatchObject({ queue: 'none' });
  });
});

test('an outcome is one message of its integration', async () => {
  const queueUrl = await newQueue();
  const outcome: UnsettledOutcome = {
    ...{ schema_version: 1, at: new Date(NOW).toISOString(), lease: { kind: 'unseen' } },
    delivery: factsOf(delivery(ENRICHED)),
    settlement: { progress: { enrichment: ENRICHED, attempt: 1, due_at: null, outcome: 'delivered' } },
  };
  expect(await outcomeSender(queues(), queueUrl)(outcome)).toBe(true);
  const [received] = await messagesIn(queueUrl);
  expect(unsettledOutcomeSchema.strict().parse(JSON.parse(received?.Body ?? ''))).toEqual(outcome);
  expect(batches.at(-1)?.groups).toEqual(['acme']);
  expect(await outcomeSender(queues(), `http://127.0.0.1:${server.port}/000000000000/none`)(outcome)).toBe(false);
});

describe('sending', () => {
  test('delays a message, and has its tenant', async () => {
    const queueUrl = await newQueue();
    const late = message('late', { delaySeconds: 900, groupId: 'acme' });
    expect(await queues().send(queueUrl, [late, message('at once')])).toEqual(new Set());
    expect(bodies(await messagesIn(queueUrl))).toEqual(['at once']);
    const delayed = new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ['ApproximateNumberOfMessagesDelayed'],
    });
    expect((await client.send(delayed)).Attributes).toEqual({ ApproximateNumberOfMessagesDelayed: '1' });
    // The test server ignores the group: only the request can be checked.
    expect(batches.at(-1)?.groups).toEqual(['acme', undefined]);
  });

  test('has at most 1 MiB per call', async () => {
    const queueUrl = await newQueue();
    const half = 'x'.repeat(MAX_BATCH_BYTES / 2);
    const messages = [half, half, half, `${half.slice(1)}é`].map((body, index) => message(`m${index}`, { body }));
    expect((await queues().send(queueUrl, messages)).size).toBe(0);
    expect(await messagesIn(queueUrl)).toHaveLength(4);
    expect(callsTo(queueUrl).map((call) => call.length)).toEqual([2, 1, 1]);
  });

  test('accepts any ids', async () => {
    const queueUrl = await newQueue();
    const ids = ['a.b', 'a b', '', 'é', 'i'.repeat(200)];
    const refused = await queues().send(queueUrl, [
      ...ids.map((id) => message(id, { body: 'good' })),
      message('not: sent', { body: 'bad \u0001' }),
    ]);
    expect([...refused]).toEqual(['not: sent']);
    expect(await messagesIn(queueUrl)).toHaveLength(ids.length);
  });
});

describe('a refused message', () => {
  test('is reported, and affects no other message', async () => {
    const queueUrl = await newQueue();
    const { log, send } = queues();
    const refused = await send(queueUrl, [
      message('good'),
      message('bad', { body: 'learner@example.com \u0001' }),
      message('also good'),
    ]);
    expect([...refused]).toEqual(['bad']);
    expect(bodies(await messagesIn(queueUrl))).toEqual(['also good', 'good']);
    expect(log.only('queue.send_refused')).toMatchObject({ refused: 1, codes: ['InvalidMessageContents'] });
    expect(log.text()).not.toContain('learner@example.com');
  });

  test('is each one if there is no such queue; nothing is thrown', async () => {
    const messages = Array.from({ length: 12 }, (_, index) => message(`m${index}`));
    const { log, send } = queues();
    const refused = await send(`${await newQueue()}-gone`, messages);
    expect([...refused].toSorted()).toEqual(messages.map(({ id }) => id).toSorted());
    expect(log.messages()).toEqual(['queue.send_failed', 'queue.send_failed']);
  });
});

describe('attributes', () => {
  const attributes = { reason: 'not JSON' };
  const theirBytes = 'reason'.length + 'String'.length + 'not JSON'.length;

  test('of our own are cut to the remaining size', async () => {
    const queueUrl = await newQueue();
    const { log, send } = queues();
    const body = 'x'.repeat(MAX_BATCH_BYTES - theirBytes + 3);
    expect((await send(queueUrl, [message('one', { body, attributes })])).size).toBe(0);
    const [received] = await messagesIn(queueUrl);
    expect(received?.Body).toHaveLength(body.length);
    expect(received?.MessageAttributes).toEqual({ reason: { DataType: 'String', StringValue: 'not J' } });
    expect(log.only('queue.attributes_cut')).toEqual({
      queue: queueUrl.slice(queueUrl.lastIndexOf('/') + 1),
      message_id: 'one',
      new_message_id: received?.MessageId,
      reason: 'not JSON',
      left_out: 0,
    });
  });

  test('are only logged if the body leaves no room: a dead-letter message must not fail because of its reason', async () => {
    const queueUrl = await newQueue();
    const { log, send } = queues();
    const body = 'x'.repeat(MAX_BATCH_BYTES);
    const carried = { tenant: { dataType: 'String', stringValue: 'learner@example.com' } };
    expect((await send(queueUrl, [message('one', { body, attributes, carried })])).size).toBe(0);
    const [received] = await messagesIn(queueUrl);
    expect(received?.Body).toHaveLength(body.length);
    expect(received?.MessageAttributes).toBeUndefined();
    const { reason, left_out, new_message_id } = log.only('queue.attributes_cut');
    expect({ reason, left_out, new_message_id }).toEqual({
      reason: 'not JSON',
      left_out: 2,
      new_message_id: received?.MessageId,
    });
    expect(log.text()).not.toContain('learner@example.com');
  });

  test('of a publisher are unchanged: text, number and bytes', async () => {
    const queueUrl = await newQueue();
    const carried = {
      tenant: { dataType: 'String', stringValue: 'acme' },
      grade: { dataType: 'Number.float', stringValue: '0.910' },
      trace: { dataType: 'Binary', binaryValue: Buffer.from([0, 255, 128]).toString('base64') },
    };
    expect((await queues().send(queueUrl, [message('one', { attributes, carried })])).size).toBe(0);
    const [received] = await messagesIn(queueUrl);
    expect(received?.MessageAttributes).toEqual({
      reason: { DataType: 'String', StringValue: 'not JSON' },
      tenant: { DataType: 'String', StringValue: 'acme' },
      grade: { DataType: 'Number.float', StringValue: '0.910' },
      trace: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255, 128]) },
    });
  });

  test('fit, ours before a publisher’s, and none is empty or ends in half a character', async () => {
    const queueUrl = await newQueue();
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 60 })
      .map((any) => any.replace(/[^ -\u{10ffff}]|[\uD800-\uDFFF\uFFFE\uFFFF]/gu, '?'));
    await fc.assert(
      fc.asyncProperty(text, text, fc.nat({ max: 200 }), async (reason, tenant, room) => {
        const { send } = queues();
        const body = 'x'.repeat(MAX_BATCH_BYTES - room);
        const carried = { tenant: { dataType: 'String', stringValue: tenant } };
        expect((await send(queueUrl, [message('one', { body, attributes: { reason }, carried })])).size).toBe(0);
        const [received] = await messagesIn(queueUrl);
        const { reason: kept, tenant: theirs } = received?.MessageAttributes ?? {};
        const [first = ''] = reason;
        expect(kept !== undefined).toBe(room >= 'reasonString'.length + Buffer.byteLength(first));
        expect(reason.startsWith(kept?.StringValue ?? '')).toBe(true);
        const both = 'reasonStringtenantString'.length + Buffer.byteLength(reason) + Buffer.byteLength(tenant);
        if (kept?.StringValue === reason) expect(theirs !== undefined).toBe(room >= both);
        if (theirs !== undefined) expect(theirs.StringValue).toBe(tenant);
      }),
      { numRuns: 8 },
    );
  });
});

describe('hiding a message', () => {
  const receive = async (queueUrl: string) => {
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
    return Messages[0];
  };

  test('sets the visibility timeout from now', async () => {
    const queueUrl = await newQueue();
    const { hide, send, log } = queues();
    await send(queueUrl, [message('one')]);
    const received = await receive(queueUrl);
    await hide(queueUrl, received?.ReceiptHandle ?? '', 900);
    expect(await receive(queueUrl)).toBeUndefined();
    await hide(queueUrl, received?.ReceiptHandle ?? '', 0);
    expect(await receive(queueUrl)).toMatchObject({ Body: 'one' });
    expect(log.lines).toEqual([]);
  });

  test('that fails is logged and not thrown: SQS redelivers the message sooner', async () => {
    const { hide, log } = queues();
    await hide(`${await newQueue()}-gone`, 'no handle', 900);
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'queue.hide_failed' }]);
  });
});

describe('the calls for a list of messages', () => {
  const outgoing = fc.record({
    id: fc.string(),
    body: fc
      .tuple(fc.constantFrom('x', 'é', '\u{1F600}'), fc.integer({ min: 1, max: 300_000 }))
      .map(([character, times]) => character.repeat(times)),
    attributes: fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), { maxKeys: 2 }),
    carried: fc.dictionary(
      fc.string({ minLength: 1 }),
      fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => ({
        dataType: 'Binary',
        binaryValue: Buffer.from(bytes).toString('base64'),
      })),
      { maxKeys: 2 },
    ),
  });
  const bytesOf = ({ body, attributes = {}, carried = {} }: OutgoingMessage) => {
    const texts = Object.entries(attributes).flatMap(([name, value]) => [name, 'String', value]);
    const binary = Object.entries(carried).flatMap(([name, { dataType, binaryValue = '' }]) => [
      name,
      dataType,
      Buffer.from(binaryValue, 'base64'),
    ]);
    return [body, ...texts, ...binary].reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  };

  test('have all, in order, each call within both limits or a single message, and no two would fit together', () => {
    fc.assert(
      fc.property(fc.array(outgoing, { maxLength: 30 }), (messages) => {
        const calls = chunk(messages);
        expect(calls.flat()).toEqual(messages);
        for (const [index, call] of calls.entries()) {
          expect(call.length).toBeGreaterThan(0);
          expect(call.length).toBeLessThanOrEqual(MAX_BATCH_ENTRIES);
          const bytes = call.reduce((sum, one) => sum + bytesOf(one), 0);
          if (call.length > 1) expect(bytes).toBeLessThanOrEqual(MAX_BATCH_BYTES);
          const [next] = calls[index + 1] ?? [];
          if (next === undefined) continue;
          expect(call.length === MAX_BATCH_ENTRIES || bytes + bytesOf(next) > MAX_BATCH_BYTES).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});

function callsTo(queueUrl: string) {
  return batches.filter((batch) => batch.queueUrl === queueUrl).map((batch) => batch.bodies);
}
