import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  DELIVERY_STATES,
  type LedgerRecord,
  ledgerRecordSchema,
  MAX_STATE_ITEM_BYTES,
} from '../../../lambdas/ledger/record.ts';
import { fitted, itemBytes } from '../../../lambdas/ledger/table/item-size.ts';
import { stateItem } from '../../../lambdas/ledger/table/ledger-items.ts';
import type { Item } from '../../../lambdas/ledger/table/table-calls.ts';
import { newRecord } from '../../../lambdas/ledger/transitions.ts';
import { ENRICHED, NOW, subject } from '../../support/factories.ts';
import { anyRecord } from './arbitrary-record.ts';

const bytesOf = (record: LedgerRecord) => itemBytes(stateItem(record, 400));
const at = new Date(NOW).toISOString();

function dead(overrides: Partial<LedgerRecord> = {}): LedgerRecord {
  const attempt = { at, status: 503, duration_ms: 15_000, error: 'HTTP 503' };
  return {
    ...newRecord(subject({ integration_id: 'acme-learning', event_id: 'e'.repeat(64) }), NOW),
    state: 'dead',
    times: { accepted: at, delivering: at, scheduled: at, dead: at },
    enrichment: ENRICHED,
    config_version: 'content-0123456789ab',
    enterprise_customer_uuid: '0'.repeat(36),
    attempt: 4,
    attempts: [1, 2, 3, 4].map((second) => ({ ...attempt, duration_ms: second })),
    claimed_by: `2026/01/15/[$LATEST]${'0'.repeat(32)}#abcdef`,
    reason: 'HTTP 503 four times',
    version: 9,
    ...overrides,
  };
}

/** The record as it is written. */
const written = (record: LedgerRecord) => fitted(record, 400).record;

describe('a record', () => {
  test('of usual size keeps all attempts and its reason', () => {
    const usual = dead();
    expect(bytesOf(usual)).toBeLessThanOrEqual(MAX_STATE_ITEM_BYTES);
    expect(written(usual)).toEqual(usual);
  });

  test('loses its oldest attempts first', () => {
    const { attempts, ...rest } = written(dead({ event_id: 'e'.repeat(120), integration_id: 'i'.repeat(50) }));
    expect(attempts.map(({ duration_ms }) => duration_ms)).toEqual([3, 4]);
    expect(rest.reason).toBe('HTTP 503 four times');
  });

  test('loses the end of its reason next, and no more than necessary', () => {
    const reason = '字'.repeat(200);
    const cut = written(dead({ event_id: 'e'.repeat(128), integration_id: 'i'.repeat(64), reason }));
    expect(cut.attempts).toEqual([]);
    expect(reason.startsWith(cut.reason ?? 'none')).toBe(true);
    expect(bytesOf(cut)).toBeGreaterThan(MAX_STATE_ITEM_BYTES - Buffer.byteLength('字'));
  });

  test('loses the flag’s version after the reason', () => {
    const longest = {
      event_id: 'e'.repeat(128),
      integration_id: 'i'.repeat(64),
      enterprise_customer_uuid: 'f'.repeat(64),
      token: 't'.repeat(40),
      due_at: at,
      parked_since: at,
      resent: 2 ** 31,
    };
    const times = Object.fromEntries(DELIVERY_STATES.map((state) => [state, at]));
    const { config_version, reason, attempts } = written(
      dead({ ...longest, times, state: 'scheduled', config_version: 'v'.repeat(64), reason: 'why' }),
    );
    expect({ config_version, reason, attempts }).toEqual({ config_version: undefined, reason: '', attempts: [] });
  });

  test('has no lone surrogates, because DynamoDB requires UTF-8', () => {
    const half = '\u{1F600}'.slice(0, 1);
    const { reason, attempts } = written(dead({ reason: half, attempts: [{ at, duration_ms: 1, error: `x${half}` }] }));
    expect(reason).toBe('\uFFFD');
    expect(attempts[0]?.error).toBe('x\uFFFD');
  });

  test('takes one write unit with any ids and history, and can be read', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const cut = written(record);
        expect(bytesOf(cut)).toBeLessThanOrEqual(MAX_STATE_ITEM_BYTES);
        expect(ledgerRecordSchema.safeParse(cut).success).toBe(true);
        expect(record.attempts.length - cut.attempts.length).toBeGreaterThanOrEqual(0);
        const { attempts: _, reason: __, occurred_at: ___, ...facts } = cut;
        expect(record).toMatchObject(facts);
      }),
      { numRuns: 1000 },
    );
  });
});

// The rules are from the DynamoDB Developer Guide, "DynamoDB item sizes and formats".
test.each<[object, number]>([
  [{}, 0],
  // Names and texts in UTF-8.
  [{ pk: 'wh_1', é: '字' }, 2 + 4 + 2 + 3],
  // Numbers: about a byte for two digits, and one extra.
  ...[
    [0, 2],
    [7, 2],
    [42, 3],
    [100, 3],
    [1_768_478_400_000, 8],
    [-7, 3],
  ].map(([n = 0, bytes = 0]): [object, number] => [{ n }, 1 + bytes]),
  [{ a: true, b: false, c: null }, 3 * 2],
  // Lists and maps: three bytes, and one for each element.
  [{ l: [] }, 1 + 3],
  [{ l: ['ab', 'c'] }, 1 + 3 + (1 + 2) + (1 + 1)],
  [{ m: { ab: 'c', d: ['e'] } }, 1 + 3 + (1 + 2 + 1) + (1 + 1 + 3 + 1 + 1)],
  // Undefined attributes are not written.
  [{ a: undefined, m: { b: undefined } }, 1 + 3],
])('the size of %j is %i bytes', (item, bytes) => {
  expect(itemBytes(item as Item)).toBe(bytes);
});
