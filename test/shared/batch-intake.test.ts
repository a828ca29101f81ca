import { describe, expect, test } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import { type HandleMessages, type IntakeServices, intake } from '../../lambdas/shared/batch-intake.ts';
import { WarehouseUnavailable } from '../../lambdas/shared/errors.ts';
import { fakeLog, LEARNER_DATA, NOW } from '../support/factories.ts';
import { sqsRecord } from '../support/handler-wiring.ts';

const DAY_MS = 24 * 3600 * 1000;

const record = (messageId: string, { receives = 1, ageMs = 0, body = '{}' } = {}) => ({
  ...sqsRecord(messageId, body, receives, NOW - ageMs),
  receiptHandle: `handle of ${messageId}`,
});

/** Runs a batch, and records the calls in order. */
async function run(
  records: readonly SQSRecord[],
  handle: HandleMessages,
  overrides: Partial<IntakeServices> = {},
  remainingMs = () => 30_000,
) {
  const log = fakeLog();
  const done: string[] = [];
  const deadLettered: { id: string; body: string; reason: string }[] = [];
  const services: IntakeServices = {
    log,
    now: () => NOW,
    slowestMs: 15_000,
    async hide(receiptHandle, seconds) {
      done.push(`hide ${receiptHandle} for ${seconds}`);
    },
    async deadLetter(messages) {
      deadLettered.push(...messages);
      return new Set();
    },
    ...overrides,
  };
  const watched: HandleMessages = (messages) => {
    done.push(`handle ${messages.map(({ id }) => id).join(' ')}`);
    return handle(messages);
  };
  const { batchItemFailures } = await intake(records, watched, services, remainingMs);
  return { failed: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier), done, deadLettered, log };
}

const succeed: HandleMessages = async () => new Map();
const fail: HandleMessages = async (messages) => new Map(messages.map(({ id }) => [id, 'not now']));

test('suspects without time left are not handled: they stay in the queue, hidden', async () => {
  const times = [20_000, 14_999];
  const records = [record('a', { receives: 5 }), record('b', { receives: 5 }), record('fresh')];
  const { failed, done } = await run(records, succeed, {}, () => times.shift() ?? 0);
  expect(done.slice(2)).toEqual(['handle fresh', 'handle a']);
  expect(failed).toEqual(['b']);
});

describe('a batch', () => {
  test('is handled together, and acknowledged', async () => {
    const { failed, done, deadLettered } = await run([record('a'), record('b', { receives: 4 })], succeed);
    expect(done).toEqual(['handle a b']);
    expect(failed).toEqual([]);
    expect(deadLettered).toEqual([]);
  });

  test('stays in the queue if its handling throws, with a log line', async () => {
    const { failed, log } = await run([record('a'), record('b')], async () => {
      throw new WarehouseUnavailable('the deadline passed');
    });
    expect(failed).toEqual(['a', 'b']);
    expect(log.only('batch.failed')).toEqual({
      messages: 2,
      error: 'WarehouseUnavailable',
      error_message: 'the deadline passed',
    });
  });

  test('is logged without its bodies when it fails', async () => {
    const body = JSON.stringify(LEARNER_DATA);
    const { log } = await run([record('a', { body })], async ([message]) => {
      throw new SyntaxError(`Unexpected token in ${message?.body}`);
    });
    for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
  });
});

describe('a message that was received five times', () => {
  test('is hidden for 15 minutes before anything is handled, and handled last, alone', async () => {
    const { done } = await run(
      [record('x', { receives: 5 }), record('a'), record('y', { receives: 99 }), record('b')],
      succeed,
    );
    expect(done).toEqual([
      'hide handle of x for 900',
      'hide handle of y for 900',
      'handle a b',
      'handle x',
      'handle y',
    ]);
  });

  test('does not affect other messages or suspects when it fails', async () => {
    const handle: HandleMessages = async (messages) => {
      if (messages.some(({ id }) => id === 'x')) throw new Error('x again');
      return new Map();
    };
    const { failed } = await run([record('x', { receives: 9 }), record('y', { receives: 9 }), record('a')], handle);
    expect(failed).toEqual(['x']);
  });
});

describe('a message that fails for three days', () => {
  const old = { ageMs: 3 * DAY_MS + 1, receives: 280 };

  test('is dead-lettered with the reason, before SQS would delete it', async () => {
    const { failed, deadLettered } = await run([record('x', { ...old, body: '{"a":1.0}' })], fail);
    expect(deadLettered).toEqual([{ id: 'x', body: '{"a":1.0}', reason: 'retried too long: not now' }]);
    expect(failed).toEqual([]);
  });

  test('keeps its publisher’s attributes and group', async () => {
    const messageAttributes = {
      tenant: { dataType: 'String', stringValue: 'acme', stringListValues: [], binaryListValues: [] },
      trace: { dataType: 'Binary', binaryValue: 'AP8=', stringListValues: [], binaryListValues: [] },
    };
    const plain = record('x', old);
    const attributes = { ...plain.attributes, MessageGroupId: 'enterprise-1' };
    const { deadLettered } = await run([{ ...plain, messageAttributes, attributes }], async ([message]) => {
      expect(message).toMatchObject({ groupId: 'enterprise-1', carried: { trace: { binaryValue: 'AP8=' } } });
      return new Map([['x', 'not now']]);
    });
    expect(deadLettered).toMatchObject([
      {
        groupId: 'enterprise-1',
        carried: {
          tenant: { dataType: 'String', stringValue: 'acme' },
          trace: { dataType: 'Binary', binaryValue: 'AP8=' },
        },
      },
    ]);
  });

  test('stays in the queue if the dead letter queue refuses it', async () => {
    const { failed } = await run([record('x', old), record('y', old)], fail, {
      deadLetter: async () => new Set(['y']),
    });
    expect(failed).toEqual(['y']);
  });

  test('is not dead-lettered earlier, or if it succeeds', async () => {
    expect((await run([record('x', { ageMs: 3 * DAY_MS })], fail)).deadLettered).toEqual([]);
    expect((await run([record('x', old)], succeed)).deadLettered).toEqual([]);
  });
});
