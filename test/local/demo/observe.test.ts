import { describe, expect, test } from '@jest/globals';
import type { Evidence } from '../../../local/demo/evidence.ts';
import { isAsExpected, observe } from '../../../local/demo/observe.ts';
import type { Receipt } from '../../../local/demo/partner.ts';
import type { Execution } from '../../../local/step-functions/execution.ts';

const T0 = Date.UTC(2026, 0, 10);

function receipt(id: string, more: Partial<Receipt> = {}, atMs = 0): Receipt {
  return {
    method: 'POST',
    path: '/acme',
    headers: { 'webhook-id': id },
    body: '{"course":{}}',
    received_at: new Date(T0 + atMs).toISOString(),
    integration_id: 'acme',
    signing_secret: 'whsec_x',
    verified: true,
    ...more,
  };
}

/** Webhooks that were delivered at the first try, and how each was received. */
function evidence(receipts: readonly Receipt[]): Evidence {
  const delivered = {
    message: 'delivery.attempted',
    outcome: 'delivered',
    status: 200,
    enrichment: 'not_a_completion',
  };
  const ids = [...new Set(receipts.map(({ headers }) => String(headers['webhook-id'])))];
  return {
    receipts,
    eventDeadLetters: [],
    deliveryDeadLetters: [],
    logs: ids.map((webhook_id) => ({ ...delivered, webhook_id })),
    enrichmentRetries: new Map(),
    executions: new Map(),
  };
}

/** An execution of a webhook that waits: it starts at `T0`, five seconds after its event occurred. */
function execution(dueAt: string, more: Partial<Execution> = {}): Execution {
  const progress = { timed: true, attempt: 0, due_at: dueAt, enrichment: { status: 'not_enriched' } };
  const input = JSON.stringify({ occurred_at: '2026-01-09T23:59:55Z', progress });
  return { name: 'a-g0', arn: '', status: 'SUCCEEDED', input, startedAt: T0, history: [], ...more };
}

const LEAD = { body: '{"lead_type":"calculated"}' };
const CANCELLED = JSON.stringify({
  outcome: 'cancelled',
  reason: `superseded by a later event of its user: wh_${'0'.repeat(40)}`,
});

const one = {
  name: 'one',
  messages: [],
  webhookIds: ['a'],
  expected: '200 without learning time (not_a_completion)',
};
const spread = {
  name: 'spread',
  messages: [],
  webhookIds: ['a', 'b', 'c'],
  expected: '3 webhooks, each 200 without learning time (not_a_completion), spread out',
  paceMs: 1000,
};

test('delivered and verified', () => {
  const outcome = observe(one, evidence([receipt('a')]));
  expect(outcome).toBe(one.expected);
  expect(isAsExpected(one, outcome)).toBe(true);
});

test.each([
  [
    'at the top',
    '{"course":{},"learning_time":{"total_seconds":60,"total_hours":0.02}}',
    '200 with 60 s (0.02 h, enriched from cache)',
  ],
  [
    'where another payload format has it',
    '{"course":{},"duration_spent":60}',
    '200 with learning time (enriched from cache)',
  ],
])('learning time %s is seen', (_, body, expected) => {
  const seen = evidence([receipt('a', { body })]);
  const logs = seen.logs.map((line) => ({ ...line, enrichment: 'enriched from cache' }));
  expect(observe(one, { ...seen, logs })).toBe(expected);
});

test('a signature that does not verify, of any try, is not as expected', () => {
  for (const receipts of [[receipt('a', { verified: false })], [receipt('a', { verified: false }), receipt('a')]]) {
    const outcome = observe(one, evidence(receipts));
    expect(outcome).toBe(`${one.expected}, signature does not verify`);
    expect(isAsExpected(one, outcome)).toBe(false);
  }
});

test('nothing could be sent: the dead letter says why, once', () => {
  const reason = 'secret /local/integrations/acme does not exist';
  const unsent = { message: 'delivery.attempted', webhook_id: 'a', outcome: 'dead', response: reason };
  const deliveryDeadLetters = [{ body: '{}', reason, webhookId: 'a' }];
  expect(observe(one, { ...evidence([]), logs: [unsent], deliveryDeadLetters })).toBe(`dead-lettered: ${reason}`);
});

test('of several webhooks one does not verify', () => {
  const receipts = [receipt('a'), receipt('b', { verified: false }), receipt('c')];
  expect(observe(spread, evidence(receipts))).toMatch(/; 200 .*, signature does not verify; /);
});

test('webhooks that a limit spreads, in whatever order they came, and the first one late', () => {
  const spreadOut = [receipt('a', {}, 2010), receipt('b', {}, 700), receipt('c', {}, 1010)];
  expect(isAsExpected(spread, observe(spread, evidence(spreadOut)))).toBe(true);
  const together = [receipt('a', {}, 40), receipt('b', {}, 0), receipt('c', {}, 700)];
  expect(observe(spread, evidence(together))).toMatch(/, all within 700 ms$/);
});

test('what is about no course has no learning time that could be missing', () => {
  expect(observe(one, evidence([receipt('a', LEAD)]))).toBe('200');
  expect(observe(one, evidence([receipt('a')]))).toBe(one.expected);
});

describe('scheduled webhooks', () => {
  const seen = (executions: readonly Execution[], receipts: readonly Receipt[]) =>
    observe(one, { ...evidence(receipts), executions: new Map([['a', executions]]) });
  /** 4 minutes and 55 s after it starts. */
  const inFive = execution('2026-01-10T00:04:55.000Z');

  test('is sent after so many minutes of the workflow, not a millisecond before', () => {
    expect(seen([inFive], [receipt('a', LEAD, 295_000)])).toBe('after 5 minutes: 200');
    expect(seen([inFive], [receipt('a', LEAD, 294_999)])).toBe('0.1 minutes too early for 5 minutes: 200');
    expect(seen([inFive], [receipt('a', LEAD, 5000)])).toBe('4.9 minutes too early for 5 minutes: 200');
  });

  test('did not wait if the scheduled time had passed', () => {
    expect(seen([execution('2026-01-10T00:00:00.000Z')], [receipt('a', LEAD, 50)])).toBe('200');
  });

  test('was moved to a later time: its last one counts', () => {
    const slept = { type: 'StateEntered', state: 'WaitUntilDue' };
    const history = ['04:55', '09:55'].map((at) => ({
      ...slept,
      progress: { attempt: 0, due_at: `2026-01-10T00:${at}.000Z` },
    }));
    const moved = execution('2026-01-10T00:04:55.000Z', { history });
    expect(seen([moved], [receipt('a', LEAD, 595_000)])).toBe('after 10 minutes: 200');
  });

  test('was moved to an earlier time: its newest execution carries it', () => {
    const first = execution('2026-01-10T00:29:55.000Z', { status: 'RUNNING' });
    expect(seen([inFive, first], [receipt('a', LEAD, 295_000)])).toBe('after 5 minutes: 200');
  });

  test('is cancelled where a later event took its place, and was not sent', () => {
    const overtaken = execution('2026-01-10T00:04:55.000Z', { output: CANCELLED });
    expect(seen([overtaken], [])).toBe('cancelled: superseded by a later event of its user');
    expect(seen([overtaken], [receipt('a', LEAD, 295_000)])).toMatch(/200, cancelled/);
  });

  test('is not cancelled where only an execution is that no longer carries it', () => {
    expect(seen([inFive, execution('2026-01-10T00:29:55.000Z', { output: CANCELLED })], [])).toBe('nothing yet');
  });
});
