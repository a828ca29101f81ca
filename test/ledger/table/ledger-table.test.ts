import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, jest, test } from '@jest/globals';
import type { LedgerTable } from '../../../lambdas/ledger/ports.ts';
import type { LedgerEvent, LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { createLedgerTable } from '../../../lambdas/ledger/table/ledger-table.ts';
import { eventOf, newRecord } from '../../../lambdas/ledger/transitions.ts';
import { clientOf } from '../../support/dynamodb.ts';
import { LEARNER_DATA, NOW, subject } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const DAY_MS = 24 * 3600_000;
const ALWAYS = { from: '2000-01-01T00:00:00.000Z', until: '2099-01-01T00:00:00.000Z' };

const ledger = sharedLedgerTable();

let made = 0;
function newEvent(overrides: Parameters<typeof subject>[0] = {}): LedgerEvent {
  made += 1;
  return eventOf(subject({ event_id: `event-${made}`, ...overrides }), NOW);
}
function recordAt(version: number, overrides: Partial<LedgerRecord> = {}): LedgerRecord {
  made += 1;
  return { ...newRecord(subject({ event_id: `event-${made}` }), NOW), version, ...overrides };
}
const callsTo = (operation: string) => ledger.front.calls.filter((call) => call.operation === operation);
const writesIn = (position: number): unknown[] => callsTo('BatchWriteItem')[position]?.input.RequestItems.ledger;

describe('a record', () => {
  test('is written if there is none yet, and read as it was written', async () => {
    const record = recordAt(1);
    expect(await ledger.table.record(record.webhook_id)).toBeUndefined();
    expect(await ledger.table.replace(record)).toBe(true);
    expect(await ledger.table.record(record.webhook_id)).toEqual(record);
    expect(await ledger.table.replace({ ...record, reason: 'another one' })).toBe(false);
    expect(await ledger.table.record(record.webhook_id)).toEqual(record);
  });

  test('is replaced by its next version only', async () => {
    const record = recordAt(1);
    expect(await ledger.table.replace({ ...record, version: 2 })).toBe(false);
    await ledger.table.replace(record);
    expect(await ledger.table.replace({ ...record, version: 3 })).toBe(false);
    expect(await ledger.table.replace({ ...record, version: 2, reason: 'next' })).toBe(true);
    expect(await ledger.table.replace({ ...record, version: 2, reason: 'too late' })).toBe(false);
    expect((await ledger.table.record(record.webhook_id))?.reason).toBe('next');
  });

  test('is overwritten unconditionally', async () => {
    const record = recordAt(1);
    await ledger.table.overwrite({ ...record, version: 7 });
    await ledger.table.overwrite({ ...record, version: 2 });
    expect(await ledger.table.record(record.webhook_id)).toEqual({ ...record, version: 2 });
  });

  test('is fitted into one write unit', async () => {
    const record = recordAt(1, { reason: '字'.repeat(200), event_id: 'e'.repeat(128), integration_id: 'i'.repeat(64) });
    const at = new Date(NOW).toISOString();
    const attempts = [1, 2, 3, 4].map((duration_ms) => ({ at, duration_ms, error: 'x'.repeat(60) }));
    await ledger.table.replace({ ...record, attempts });
    expect((await ledger.table.record(record.webhook_id))?.attempts.length).toBeLessThan(4);
  });

  test('is read with strong consistency', async () => {
    await ledger.table.record('wh_1');
    await ledger.table.records(['wh_1']);
    expect(callsTo('GetItem')[0]?.input.ConsistentRead).toBe(true);
    expect(callsTo('BatchGetItem')[0]?.input.RequestItems.ledger.ConsistentRead).toBe(true);
  });

  test('that does not match its schema cannot be read, and the error names its delivery', async () => {
    const { webhook_id } = recordAt(1);
    const item = { pk: webhook_id, sk: 'state', reason: LEARNER_DATA[0] };
    await ledger.server.client.send(new PutItemCommand({ TableName: 'ledger', Item: marshall(item) }));
    const failure = { name: 'LedgerUnavailable', message: expect.stringContaining(webhook_id) };
    await expect(ledger.table.record(webhook_id)).rejects.toMatchObject(failure);
    await expect(ledger.table.records([webhook_id])).rejects.toMatchObject(failure);
    await expect(ledger.table.record(webhook_id)).rejects.not.toThrow(LEARNER_DATA[0]);
  });
});

describe('records', () => {
  test('are read a hundred at a time, those that exist', async () => {
    const records = Array.from({ length: 130 }, () => recordAt(1));
    await Promise.all(records.map((record) => ledger.table.replace(record)));
    const ids = [...records.map(({ webhook_id }) => webhook_id), 'wh_none', records[0]?.webhook_id ?? ''];
    const found = await ledger.table.records(ids);
    expect(found.size).toBe(130);
    for (const record of records) expect(found.get(record.webhook_id)).toEqual(record);
    const keys = callsTo('BatchGetItem').map(({ input }) => input.RequestItems.ledger.Keys.length);
    expect(keys).toEqual([100, 31]);
  });

  test('make no call without ids', async () => {
    expect(await ledger.table.records([])).toEqual(new Map());
    expect(ledger.front.calls).toEqual([]);
  });

  test('that DynamoDB leaves unprocessed are read again', async () => {
    const [one, other] = [recordAt(1), recordAt(1)];
    await Promise.all([ledger.table.replace(one), ledger.table.replace(other)]);
    ledger.front.calls.length = 0;
    ledger.front.decide(({ input }, position) => {
      if (position > 0) return 'pass';
      const [first, ...left] = input.RequestItems.ledger.Keys;
      return {
        input: { RequestItems: { ledger: { ...input.RequestItems.ledger, Keys: [first] } } },
        output: (answer) => ({ ...answer, UnprocessedKeys: { ledger: { Keys: left, ConsistentRead: true } } }),
      };
    });
    expect((await ledger.table.records([one.webhook_id, other.webhook_id])).size).toBe(2);
    expect(ledger.front.calls.map(({ input }) => input.RequestItems.ledger.Keys.length)).toEqual([2, 1]);
  });

  test('that DynamoDB leaves unprocessed in every round fail', async () => {
    // The pauses between rounds are random.
    jest.spyOn(Math, 'random').mockReturnValue(0);
    ledger.front.decide(({ input }) => ({
      status: 200,
      answer: { Responses: {}, UnprocessedKeys: input.RequestItems },
    }));
    await expect(ledger.table.records(['wh_1'])).rejects.toMatchObject({ name: 'LedgerUnavailable' });
    jest.restoreAllMocks();
  });
});

test('overwritten records of one millisecond are one call', async () => {
  const records = Array.from({ length: 30 }, () => recordAt(2));
  await Promise.all(records.map((record) => ledger.table.overwrite(record)));
  expect([0, 1].map((position) => writesIn(position).length)).toEqual([25, 5]);
  expect((await ledger.table.records(records.map(({ webhook_id }) => webhook_id))).size).toBe(30);
});

describe('an event', () => {
  test('is read as it was accepted, and may be written twice', async () => {
    const event = newEvent();
    await ledger.table.putEvents([event, event]);
    await ledger.table.putEvents([event]);
    expect(callsTo('BatchWriteItem')).toHaveLength(2);
    expect(await ledger.table.event(event.webhook_id)).toEqual(event);
  });

  test('is not returned after it expired, although DynamoDB has not deleted it', async () => {
    const event = newEvent();
    await ledger.table.putEvents([event]);
    ledger.nowMs = NOW + 30 * DAY_MS - 1000;
    expect(await ledger.table.event(event.webhook_id)).toBeDefined();
    ledger.nowMs = NOW + 30 * DAY_MS;
    expect(await ledger.table.event(event.webhook_id)).toBeUndefined();
    expect(await ledger.table.event('wh_none')).toBeUndefined();
  });

  test('that DynamoDB refuses does not fail the others, and is reported', async () => {
    const [good, refused, also] = [newEvent(), newEvent({ payload: `"${'x'.repeat(401 * 1024)}"` }), newEvent()];
    await expect(ledger.table.putEvents([good, refused, also])).rejects.toMatchObject({
      name: 'LedgerUnavailable',
      message: expect.stringMatching(/^putEvents: ValidationException \(1 of [34] writes\)$/),
    });
    expect(await ledger.table.event(good.webhook_id)).toEqual(good);
    expect(await ledger.table.event(also.webhook_id)).toEqual(also);
    expect(await ledger.table.event(refused.webhook_id)).toBeUndefined();
  });
});

describe('events of a batch', () => {
  test('are written 25 a call, with the directory entries that this instance has not written yet', async () => {
    const whose = { integration_id: 'twenty-five' };
    await ledger.table.putEvents(Array.from({ length: 30 }, () => newEvent(whose)));
    expect([0, 1].map((position) => writesIn(position).length)).toEqual([25, 6]);
    await ledger.table.putEvents([newEvent(whose), newEvent({ ...whose, accepted_at: '2026-01-16T00:00:00.000Z' })]);
    await ledger.table.putEvents([newEvent(whose)]);
    expect([2, 3].map((position) => writesIn(position).length)).toEqual([3, 1]);
    const days = (await ledger.table.days(ALWAYS)).filter(({ integrationId }) => integrationId === 'twenty-five');
    expect(days.map(({ day }) => day)).toEqual(['2026-01-15', '2026-01-16']);
  });

  test('write a day’s entry again where it was not written', async () => {
    ledger.front.decide(() => ({ status: 400, answer: { __type: 'x#AccessDeniedException', message: 'no' } }));
    const event = newEvent({ integration_id: 'first-refused' });
    await expect(ledger.table.putEvents([event])).rejects.toMatchObject({ name: 'LedgerUnavailable' });
    ledger.front.decide(() => 'pass');
    await ledger.table.putEvents([event]);
    expect((await ledger.table.days(ALWAYS)).map(({ integrationId }) => integrationId)).toContain('first-refused');
  });

  test('make no call if there are none', async () => {
    await ledger.table.putEvents([]);
    expect(ledger.front.calls).toEqual([]);
  });
});

describe('a response', () => {
  test('is stored next to the record until payloads expire', async () => {
    const { webhook_id, accepted_at } = recordAt(1);
    expect(await ledger.table.response(webhook_id)).toBeUndefined();
    await ledger.table.putResponse(webhook_id, accepted_at, '{"error":"no such course"}');
    await ledger.table.putResponse(webhook_id, accepted_at, 'Not Found');
    expect(await ledger.table.response(webhook_id)).toBe('Not Found');
    ledger.nowMs = NOW + 30 * DAY_MS;
    expect(await ledger.table.response(webhook_id)).toBeUndefined();
  });

  test('may be cut within a character', async () => {
    const { webhook_id, accepted_at } = recordAt(1);
    await ledger.table.putResponse(webhook_id, accepted_at, `x${'\u{1F600}'.slice(0, 1)}`);
    expect(await ledger.table.response(webhook_id)).toBe('x\uFFFD');
  });
});

test('forgetting deletes event and response, but not the record', async () => {
  const event = newEvent();
  const record = { ...newRecord({ ...event, schema_version: 1, generation: 0 }, NOW), version: 1 };
  await ledger.table.putEvents([event]);
  await ledger.table.replace(record);
  await ledger.table.putResponse(event.webhook_id, event.accepted_at, 'Not Found');
  await ledger.table.forget(event.webhook_id);
  expect(await ledger.server.item(event.webhook_id, 'event')).toBeUndefined();
  expect(await ledger.server.item(event.webhook_id, 'response')).toBeUndefined();
  expect(await ledger.table.record(event.webhook_id)).toEqual(record);
  await ledger.table.forget(event.webhook_id);
});

describe('a table that does not respond', () => {
  const day = { integrationId: 'acme', day: '2026-01-15' };
  const timer = {
    key: 'timer_0',
    webhook_id: 'wh_1',
    integration_id: 'acme',
    latest_at: new Date(NOW).toISOString(),
    generation: 0,
  };
  const client = clientOf('http://127.0.0.1:1', { maxAttempts: 1 });
  const unreachable = createLedgerTable({ client, tableName: 'ledger', payloadDays: 30, factsDays: 400 });
  const calls: Readonly<Record<string, (table: LedgerTable) => Promise<unknown>>> = {
    record: (down) => down.record('wh_1'),
    records: (down) => down.records(['wh_1']),
    event: (down) => down.event('wh_1'),
    response: (down) => down.response('wh_1'),
    replace: (down) => down.replace(recordAt(1)),
    overwrite: (down) => down.overwrite(recordAt(1)),
    putEvents: (down) => down.putEvents([newEvent()]),
    putResponse: (down) => down.putResponse('wh_1', new Date(NOW).toISOString(), LEARNER_DATA[0]),
    forget: (down) => down.forget('wh_1'),
    days: (down) => down.days(ALWAYS),
    listRecords: (down) => Array.fromAsync(down.listRecords(day, ALWAYS)),
    listEvents: (down) => Array.fromAsync(down.listEvents(day, ALWAYS)),
    listDay: (down) => Array.fromAsync(down.listDay(day, ALWAYS)),
    countEvents: (down) => down.countEvents(day, ALWAYS),
    latestRecords: (down) => down.latestRecords(day, 5),
    timers: (down) => down.timers(['timer_0']),
    putTimer: (down) => down.putTimer(timer),
    countTimers: (down) => down.countTimers(NOW),
    overdueTimers: (down) => down.overdueTimers(NOW),
    eventsOf: (down) => Array.fromAsync(down.eventsOf({ userId: '42' })),
  };

  test.each(Object.keys(calls))('is reported with the operation, and no value: %s', async (operation) => {
    const failure = await calls[operation]?.(unreachable).catch((thrown: unknown) => thrown);
    const { name, message, cause } = failure as Error;
    expect(name).toBe('LedgerUnavailable');
    // Under jest the SDK does not know Node's errors as errors, and wraps them in one without a code.
    expect(message).toMatch(new RegExp(`^${operation}: (ECONNREFUSED|Error)( \\(2 of 2 writes\\))?$`));
    expect(cause).toBeDefined();
  });
});
