import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  directoryItem,
  eventItem,
  eventOfItem,
  hasExpired,
  lineOf,
  recordOf,
  stateItem,
} from '../../../lambdas/ledger/table/ledger-items.ts';
import type { Item } from '../../../lambdas/ledger/table/table-calls.ts';
import { changedAt, eventOf, newRecord } from '../../../lambdas/ledger/transitions.ts';
import { NOW, subject, TRACE } from '../../support/factories.ts';
import { anyRecord } from './arbitrary-record.ts';

/** Marshals and unmarshals an item, like the SDK. */
const stored = (item: Item): Item => unmarshall(marshall(item, { removeUndefinedValues: true }));

const day = (days: number) => days * 24 * 3600;

describe('a state item', () => {
  test('returns its record unchanged', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(recordOf(stored(stateItem(record, 400)))).toStrictEqual(record);
      }),
    );
  });

  test('keeps the format of a time', () => {
    const record = {
      ...newRecord(subject(), NOW),
      version: 1,
      due_at: '2026-01-15T12:00:00Z',
      state: 'scheduled' as const,
    };
    expect(recordOf(stored(stateItem(record, 400)))?.due_at).toBe('2026-01-15T12:00:00Z');
  });

  test('is listed under its integration, day and digit, with the attributes of a list', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const item = stored(stateItem({ ...record, version: 2 }, 400));
        const { webhook_id, integration_id, accepted_at } = record;
        expect(item.listing).toBe(`${integration_id}#${accepted_at.slice(0, 10)}#${webhook_id[3]}`);
        expect(item.listed_at).toBe(`state#${accepted_at}`);
        const { event_type, state, generation, attempt, due_at, reason } = record;
        const shown = { webhook_id, integration_id, event_type, accepted_at, state, generation, attempt };
        const { enterprise_customer_uuid, enrichment } = record;
        const expected = {
          ...shown,
          changed_at: changedAt(record),
          due_at,
          reason,
          enterprise_customer_uuid,
          enrichment,
        };
        expect(lineOf(item)).toEqual(expected);
      }),
    );
  });

  test('of a first claim is not listed: its event lists it', () => {
    const record = { ...newRecord(subject(), NOW), version: 1, state: 'delivering' as const };
    expect(stateItem(record, 400)).not.toHaveProperty('listing');
    expect(stateItem(record, 400)).not.toHaveProperty('listed_at');
    expect(stateItem({ ...record, version: 2 }, 400)).toHaveProperty('listing');
    expect(stateItem({ ...record, state: 'filtered' }, 400)).toHaveProperty('listing');
  });

  test('expires after the retention of facts, in epoch seconds', () => {
    const record = { ...newRecord(subject(), NOW), version: 1 };
    expect(stateItem(record, 400)).toMatchObject({ expires_at: NOW / 1000 + day(400) });
  });

  test.each([
    ['without a version', { version: undefined }],
    ['in an unknown state', { state: 'lost' }],
    ['with times of another kind', { times: 'yesterday' }],
    ['with attempts of another type', { attempts: [null, 5] }],
    ['with a time beyond all calendars', { accepted_at: 1e300 }],
  ])('%s cannot be read', (_, broken) => {
    const item = stateItem({ ...newRecord(subject(), NOW), version: 1 }, 400);
    expect(recordOf({ ...item, ...broken })).toBeUndefined();
  });
});

describe('an event item', () => {
  const event = eventOf(subject({ traceparent: TRACE.traceparent }), NOW);

  test('is listed as an event, and expires when payloads do', () => {
    expect(eventItem(event, 30)).toMatchObject({
      pk: event.webhook_id,
      sk: 'event',
      listing: `acme#2026-01-15#${event.webhook_id[3]}`,
      listed_at: 'event#2026-01-15T12:00:00.000Z',
      expires_at: NOW / 1000 + day(30),
    });
  });

  test('is read back whole, and without a payload not at all', () => {
    expect(eventOfItem(eventItem(event, 30))).toEqual(event);
    expect(eventOfItem({ ...eventItem(event, 30), payload: undefined })).toBeUndefined();
  });
});

test('a directory entry expires after the last record of its day', () => {
  const item = directoryItem('2026-01-15', 'acme', 400);
  const endOfDay = Date.parse('2026-01-16T00:00:00Z') / 1000;
  expect(item).toEqual({ pk: 'directory', sk: '2026-01-15#acme', expires_at: endOfDay + day(400) });
});

test('an item has expired at its expiry time, and never without one', () => {
  expect(hasExpired({ expires_at: 100 }, 99_999)).toBe(false);
  expect(hasExpired({ expires_at: 100 }, 100_000)).toBe(true);
  expect(hasExpired({}, 100_000)).toBe(false);
});

test('an entry is returned as far as it can be read', () => {
  const line = lineOf({ pk: 'wh_1', listed_at: 'state#2026-01-15T12:00:00.000Z', state: 7, due_at: {} });
  expect(line).toEqual({
    webhook_id: 'wh_1',
    integration_id: '',
    event_type: '',
    accepted_at: '2026-01-15T12:00:00.000Z',
    state: 'accepted',
    generation: 0,
    attempt: 0,
    changed_at: '2026-01-15T12:00:00.000Z',
  });
});
