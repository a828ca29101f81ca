import fc from 'fast-check';
import {
  type Attempt,
  DELIVERY_STATES,
  type LedgerRecord,
  MAX_ATTEMPT_ERROR_CHARACTERS,
  MAX_LEDGER_REASON_CHARACTERS,
  RECORDED_ATTEMPTS,
} from '../../../lambdas/ledger/record.ts';
import { ENRICHED, NOT_ENRICHED, NOW, PENDING } from '../../support/factories.ts';

const time = fc.integer({ min: NOW, max: NOW + 1e9 }).map((ms) => new Date(ms).toISOString());
const count = fc.integer({ min: 0, max: 2 ** 31 });

/** Text of that many UTF-16 units, truncated like the code truncates it: also within a character. */
const textOf = (length: number) =>
  fc
    .tuple(fc.constantFrom('x', 'é', '字', '\u{1F600}', 'a\u{1F600}'), fc.integer({ min: 1, max: length }))
    .map(([unit, size]) => unit.repeat(length).slice(0, size));

const nameOf = (length: number) => fc.constantFrom(1, 20, length).map((size) => 'i'.repeat(size));

const attempt: fc.Arbitrary<Attempt> = fc.record(
  {
    at: time,
    duration_ms: count,
    status: fc.integer({ min: 100, max: 599 }),
    error: textOf(MAX_ATTEMPT_ERROR_CHARACTERS),
  },
  { requiredKeys: ['at', 'duration_ms'], noNullPrototype: true },
);

/** Records that the code can write, including the longest ones. */
export const anyRecord: fc.Arbitrary<LedgerRecord> = fc
  .record({
    webhook_id: fc.stringMatching(/^wh_[0-9a-f]{40}$/),
    integration_id: nameOf(64),
    event_id: nameOf(128),
    event_type: fc.constantFrom('course_completion' as const, 'course_enrollment' as const),
    occurred_at: fc.constantFrom(
      '2026-01-15T11:59:58Z',
      '2026-01-15T11:59:58.123+05:30',
      `2026-01-15T11:59:58.${'9'.repeat(600)}-11:30`,
    ),
    accepted_at: time,
    state: fc.constantFrom(...DELIVERY_STATES),
    generation: count,
    times: fc.record(Object.fromEntries(DELIVERY_STATES.map((state) => [state, time])), {
      requiredKeys: [],
      noNullPrototype: true,
    }),
    enrichment: fc.constantFrom(undefined, ENRICHED, PENDING, NOT_ENRICHED),
    config_version: fc.constantFrom(undefined, 'content-0123456789ab', 'v'.repeat(64)),
    enterprise_customer_uuid: fc.constantFrom(undefined, '0'.repeat(36), 'e'.repeat(64)),
    attempt: count,
    attempts: fc.array(attempt, { maxLength: RECORDED_ATTEMPTS }),
    lease_until: time,
    claimed_by: fc.constantFrom(undefined, `2026/01/15/[$LATEST]${'0'.repeat(32)}#abcdef`),
    token: fc.constantFrom(undefined, 'g0-a1', 'g'.repeat(40)),
    due_at: time,
    reason: fc.option(textOf(MAX_LEDGER_REASON_CHARACTERS), { nil: undefined }),
    parked_since: fc.option(time, { nil: undefined }),
    parked_for: fc.constantFrom(undefined, 'paused' as const, 'failing' as const),
    resent: fc.option(count, { nil: undefined }),
    version: fc.integer({ min: 1, max: 2 ** 31 }),
  })
  .map(({ lease_until, token, due_at, ...record }) => {
    const waits = record.state === 'scheduled' || record.state === 'parked';
    const held = {
      ...record,
      ...(record.state === 'delivering' && { lease_until }),
      ...(waits && token !== undefined && { token, due_at }),
    };
    return Object.fromEntries(Object.entries(held).filter(([, value]) => value !== undefined)) as LedgerRecord;
  });
