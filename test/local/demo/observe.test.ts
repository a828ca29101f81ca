import { expect, test } from '@jest/globals';
import { type Evidence, isAsExpected, observe } from '../../../local/demo/observe.ts';
import type { Receipt } from '../../../local/demo/partner.ts';

const T0 = Date.UTC(2026, 0, 10);

function receipt(id: string, more: Partial<Receipt> = {}, atMs = 0): Receipt {
  return {
    method: 'POST',
    path: '/acme',
    headers: { 'webhook-id': id },
    body: '{}',
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
  };
}

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

test('a signature that does not verify, of any try, is not as expected', () => {
  for (const receipts of [[receipt('a', { verified: false })], [receipt('a', { verified: false }), receipt('a')]]) {
    const outcome = observe(one, evidence(receipts));
    expect(outcome).toBe(`${one.expected}, signature does not verify`);
    expect(isAsExpected(one, outcome)).toBe(false);
  }
});

test('nothing could be sent: the dead letter says why, once', () => {
  const reason = 'secret /local/integrations/acme does not exist';
  const unsent = { message: 'delivery.attempted', webhook_id: 'a', outcome: 'dead', answer: reason };
  const deliveryDeadLetters = [{ body: '{}', reason, webhookId: 'a' }];
  expect(observe(one, { ...evidence([]), logs: [unsent], deliveryDeadLetters })).toBe(`dead letter: ${reason}`);
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
