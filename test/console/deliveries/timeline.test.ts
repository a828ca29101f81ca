import { expect, test } from '@jest/globals';
import { shortTime } from '../../../commands/shared/short-time.ts';
import { timelineOf } from '../../../console/deliveries/timeline.ts';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { newRecord } from '../../../lambdas/ledger/transitions.ts';
import { NOW, subject } from '../../support/factories.ts';

const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

function titles(changes: Partial<LedgerRecord>, more: { readonly cause?: string } = {}) {
  const record = { ...newRecord(subject({ accepted_at: at(0) }), NOW), ...changes };
  return entriesOf(record, more).map(({ title, details }) => [title, ...details].join(' | '));
}

function entriesOf(record: LedgerRecord | undefined, more: { readonly cause?: string } = {}) {
  return timelineOf({ record, acceptedAt: at(0), occurredAt: at(-2), learningTime: '120 s', ...more }, []);
}

test('a delivery that was never claimed has its event', () => {
  expect(entriesOf(undefined).map(({ title }) => title)).toEqual([
    'The event occurred',
    'Accepted from the events queue',
  ]);
});

test('every attempt, state and resend has its time, oldest first', () => {
  expect(
    titles({
      state: 'dead',
      generation: 1,
      reason: 'HTTP 404',
      enrichment: { status: 'enriched', total_seconds: 120, last_updated: at(-9999), source: 'warehouse' },
      times: { accepted: at(100), delivering: at(101), parked: at(50), dead: at(102) },
      attempts: [
        { at: at(1), duration_ms: 1234, error: 'TIMEOUT' },
        { at: at(101), duration_ms: 12, status: 404, error: 'HTTP 404', body_bytes: 9, content_type: 'text/html' },
      ],
    }),
  ).toEqual([
    'The event occurred',
    'Accepted from the events queue',
    'Learning time from the warehouse | 120 s',
    'Attempt: no response, 1,234 ms | TIMEOUT',
    'Parked',
    'Sent again | generation 1',
    'Attempt: HTTP 404, 12 ms | HTTP 404 | a body of 9 bytes | text/html',
    'A function began to send it',
    'Dead-lettered | HTTP 404',
  ]);
});

test('the current state says why, and when it is due', () => {
  const due_at = at(60);
  const lines = titles({ state: 'scheduled', times: { scheduled: at(5) }, reason: 'HTTP 503', due_at }, { cause: 'c' });
  expect(lines.at(-1)).toBe(`Scheduled | HTTP 503 | c | due ${shortTime(due_at)}`);
});

test('a delivery that a later event supersedes says so', () => {
  const own = { state: 'cancelled', times: { cancelled: at(5) } } as const;
  expect(titles({ ...own, reason: 'superseded by a later event of its user: wh_1' }).at(-1)).toContain('Superseded by');
  expect(titles({ ...own, reason: 'closed by an operator: superseded by' }).at(-1)).toContain('Cancelled |');
});

test.each([
  [{ status: 'pending', attempts: 2, first_failed_at: at(1) }, 'warning', 'Reading the learning time failed'],
  [
    { status: 'enriched', total_seconds: 1, last_updated: at(0), source: 'cache' },
    'success',
    'Learning time from the cache',
  ],
  [{ status: 'not_enriched', reason: 'warehouse_unavailable' }, 'error', 'Learning time could not be read'],
  [{ status: 'not_enriched', reason: 'flag_off' }, 'info', 'No learning time is added'],
] as const)('learning time that is %j is shown', (enrichment, type, title) => {
  const record = { ...newRecord(subject({ accepted_at: at(0) }), NOW), enrichment };
  expect(entriesOf(record)).toContainEqual(expect.objectContaining({ type, title }));
});

test('the phases of an attempt follow each other, and end with the total', () => {
  const record = { ...newRecord(subject(), NOW), attempts: [{ at: at(1), duration_ms: 100, status: 200 }] };
  const phases = { dnsMs: 1, connectMs: 10, tlsMs: 20, firstByteMs: 80.04, totalMs: 99 };
  const entries = timelineOf({ record, acceptedAt: at(0), occurredAt: at(0), learningTime: '' }, [
    { at: at(1), phases },
    { at: at(2), phases: { totalMs: 1 } },
  ]);
  expect(entries.at(-1)?.phases?.map(({ name, ms }) => `${name} ${ms}`)).toEqual([
    ...['DNS 1', 'connect 10', 'TLS 20', 'first byte 49', 'rest 19', 'total 99'],
  ]);
});
