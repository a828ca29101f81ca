import { describe, expect, test } from '@jest/globals';
import { type DeliverMessagesServices, deliverMessages } from '../../lambdas/delivery/deliver-messages.ts';
import type { DeadLetter } from '../../lambdas/delivery/settle.ts';
import { type Delivery, deliverySchema } from '../../lambdas/events/delivery.ts';
import { executionToken } from '../../lambdas/events/identity.ts';
import type { Claim, Settlement } from '../../lambdas/ledger/ports.ts';
import type { SendResult, WebhookRequest } from '../../lambdas/partners/webhook-sender.ts';
import { toMessageText } from '../../lambdas/shared/json-text.ts';
import type { OutgoingMessage } from '../../lambdas/shared/queue-message.ts';
import {
  brokenEntry,
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  integration,
  LEARNER_DATA,
  NOT_ENRICHED,
  NOW,
  PENDING,
  registry,
  serviceError,
} from '../support/factories.ts';
import { reportOf, reserved } from '../support/limiter-decisions.ts';
import { openLedger } from '../support/open-ledger.ts';
import { answered, limiterThatSays, openLimiter, sendingServices } from '../support/sending.ts';

const to = (integration_id: string, enrichment: Delivery['progress']['enrichment'] = ENRICHED) =>
  delivery(enrichment, { integration_id, event_id: `event for ${integration_id}` });
const message = (given: Delivery) => ({ id: `message for ${given.integration_id}`, body: toMessageText(given) });
const read = (sent: { readonly body: string } | undefined) => deliverySchema.parse(JSON.parse(sent?.body ?? ''));

const KNOWN = registry(
  ...['acme', 'busy', 'strict'].map((id) => integration({ id, url: `https://${id}.example/` })),
  integration({ id: 'slow', url: 'https://slow.example/', timeout_seconds: 16 }),
  integration({ id: 'paused', active: false }),
);
const ANSWERS: Record<string, SendResult> = {
  'https://busy.example/': answered(503),
  'https://strict.example/': answered(400),
};

/** Messages, as deliveries, or as ids of integrations with one delivery each. */
type Messages = readonly (string | Delivery | { readonly id: string; readonly body: string })[];

/** Delivers messages; partners respond with 200, but `busy` with 503 and `strict` with 400. */
async function deliver(messages: Messages, overrides: Partial<DeliverMessagesServices> = {}) {
  const sent: WebhookRequest[] = [];
  const started: Delivery[] = [];
  const deadLetters: DeadLetter[] = [];
  const deferred: OutgoingMessage[] = [];
  const [log, ledger] = [fakeLog(), openLedger()];
  const services: DeliverMessagesServices = {
    ...sendingServices([]),
    limiter: openLimiter(),
    async defer(more) {
      deferred.push(...more);
      return new Set();
    },
    integrations: { read: async () => KNOWN },
    sender: {
      async send(request) {
        sent.push(request);
        return ANSWERS[request.url] ?? answered(200);
      },
    },
    workflow: {
      async start(given) {
        started.push(given);
        return { token: executionToken(given), isOwn: true };
      },
    },
    ledger,
    async deadLetter(more) {
      deadLetters.push(...more);
      return new Set();
    },
    log,
    counter: fakeCounter(),
    now: () => NOW,
    random: () => 0.5,
    ...overrides,
  };
  const received = messages.map((one) => {
    if (typeof one === 'string') return message(to(one));
    return 'body' in one ? one : message(one);
  });
  const failures = Object.fromEntries(await deliverMessages(received, services));
  return { failures, sent, started, deadLetters, deferred, log, ledger };
}

describe('a message of the deliveries queue', () => {
  test('is delivered and acknowledged', async () => {
    const { failures, sent, started, deadLetters } = await deliver(['acme']);
    expect(sent.map(({ url }) => url)).toEqual(['https://acme.example/']);
    expect([failures, started, deadLetters]).toEqual([{}, [], []]);
  });

  test('goes to the workflow where its partner may be well soon: due in a second, one attempt spent', async () => {
    const { failures, started, deadLetters } = await deliver(['busy']);
    const progress = { enrichment: ENRICHED, attempt: 1, due_at: '2026-01-15T12:00:01.000Z' };
    expect(started).toEqual([{ ...to('busy'), progress: { ...progress, outcome: 'retry', reason: 'HTTP 503' } }]);
    expect([failures, deadLetters]).toEqual([{}, []]);
  });

  test('goes to the dead letter queue if it is permanent, as a delivery of the next generation', async () => {
    const { failures, started, deadLetters } = await deliver(['strict']);
    const deadLetter = { id: 'message for strict', body: expect.any(String), reason: 'HTTP 400' };
    expect(deadLetters).toEqual([{ ...deadLetter, integrationId: 'strict', webhookId: to('strict').webhook_id }]);
    expect(read(deadLetters[0])).toEqual({ ...to('strict'), generation: 1 });
    expect([failures, started]).toEqual([{}, []]);
  });

  const lead = { event_type: 'lead', kind: 'lead.calculated', send_at: '2026-01-15T13:00:00.000Z' } as const;
  const scheduled = delivery(NOT_ENRICHED, { ...lead, generation: 1 }, { timed: true, due_at: lead.send_at });
  const dueNow = (given: Delivery) => ({
    ...given,
    progress: { ...given.progress, due_at: new Date(NOW).toISOString() },
  });

  test.each([
    ['its integration has a long timeout', to('slow'), dueNow(to('slow'))],
    ['its learning time is pending', to('acme', PENDING), dueNow(to('acme', PENDING))],
    ['it is scheduled: nothing is early, and its timer is read there', scheduled, scheduled],
  ])('goes to the workflow without a claim if %s', async (_what, given, expected) => {
    const { failures, sent, started, ledger } = await deliver([given]);
    expect(started).toEqual([expected]);
    const settlement = { token: executionToken(given), progress: { ...expected.progress, outcome: 'retry' } };
    expect(ledger.noted).toMatchObject([{ webhookId: given.webhook_id, settlement }]);
    expect([failures, sent, ledger.claims]).toEqual([{}, [], []]);
  });
});

describe('a message whose integration’s limiter does not allow it', () => {
  const atMs = NOW + 90_500;
  const reservedUntil = (ms: number) => limiterThatSays({ decisions: [reserved(ms)] });

  test('returns to the queue with a delay of whole seconds until its reserved slot', async () => {
    const { failures, sent, started, deferred } = await deliver(['acme'], { limiter: reservedUntil(atMs) });
    expect(deferred).toEqual([{ id: 'message for acme', body: expect.any(String), groupId: 'acme', delaySeconds: 90 }]);
    expect(read(deferred[0]).progress).toMatchObject({ attempt: 0, reserved_for: '2026-01-15T12:01:30.500Z' });
    expect([failures, sent, started]).toEqual([{}, [], []]);
  });

  test('returns immediately, and does not wait for another attempt that hangs', async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const taken = Promise.withResolvers<void>();
    const ending = deliver(['acme', { ...message(to('acme')), id: 'the second' }], {
      limiter: limiterThatSays({ decisions: [{ verdict: 'allow' }, reserved(atMs)] }),
      sender: { send: () => hanging.promise },
      async defer() {
        taken.resolve();
        return new Set();
      },
    });
    await taken.promise;
    hanging.resolve(answered(200));
    expect((await ending).failures).toEqual({});
  });

  test('returns without a delay if its slot has passed', async () => {
    let now = NOW;
    const counter = {
      count() {
        now += 5_000;
      },
      measure() {},
    };
    const { deferred } = await deliver(['acme'], { limiter: reservedUntil(NOW + 1_500), now: () => now, counter });
    expect(deferred).toMatchObject([{ delaySeconds: 0 }]);
  });

  test('stays in the queue if SQS refuses the deferred message', async () => {
    const defer: DeliverMessagesServices['defer'] = async (messages) => new Set(messages.map(({ id }) => id));
    const { failures } = await deliver(['acme'], { limiter: reservedUntil(atMs), defer });
    expect(failures).toEqual({ 'message for acme': 'QueueRefused' });
  });

  test.each([
    [
      'its slot is further ahead than SQS delays',
      { decisions: [reserved(NOW + 901_000)] },
      { due_at: '2026-01-15T12:15:01.000Z', reserved_for: '2026-01-15T12:15:01.000Z' },
    ],
    [
      'the endpoint fails, and it is parked',
      { decisions: [{ verdict: 'reject', reason: 'failing' } as const] },
      { due_at: '2026-01-15T12:01:00.000Z', park_count: 1, reason: 'parked: integration acme is failing' },
    ],
    [
      'the endpoint is slow, and would hold up the queue',
      { isSlow: true },
      {
        due_at: '2026-01-15T12:00:01.000Z',
        reserved_for: '2026-01-15T12:00:00.000Z',
        reason: 'the endpoint is slow',
      },
    ],
  ])('goes to the workflow without an attempt if %s', async (_what, says, progress) => {
    const { sent, started, deferred } = await deliver(['acme'], { limiter: limiterThatSays(says) });
    expect(started).toMatchObject([{ progress: { attempt: 0, outcome: 'retry', ...progress } }]);
    expect([sent, deferred]).toEqual([[], []]);
  });
});

describe('a message, by its record in the ledger', () => {
  const claiming = (claim: Claim) => ({ ledger: openLedger({ claim: async () => claim }) });

  test('claimed elsewhere: it stays in the queue, and nothing is sent', async () => {
    const { failures, sent, log } = await deliver(['acme'], claiming({ verdict: 'busy', untilMs: NOW + 1 }));
    expect(failures).toEqual({ 'message for acme': 'another function has claimed it' });
    expect(sent).toEqual([]);
    expect(log.messages()).not.toContain('delivery.failed');
  });

  test('ended, or carried by another: it is acknowledged, and nothing is sent', async () => {
    const { failures, sent, started, deadLetters } = await deliver(
      ['acme'],
      claiming({ verdict: 'done', state: 'delivered' }),
    );
    expect([failures, sent, started, deadLetters]).toEqual([{}, [], [], []]);
  });

  test('takes the generation and the attempts of its record', async () => {
    const claimed = delivery(ENRICHED, { integration_id: 'busy', generation: 2 }, { attempt: 3 });
    const { started } = await deliver(
      ['busy'],
      claiming({ verdict: 'claimed', lease: { delivery: claimed, record: undefined } }),
    );
    expect(started).toMatchObject([{ generation: 2, progress: { attempt: 4 } }]);
  });

  test.each([
    ['acme', { progress: { outcome: 'delivered' }, attempt: { status: 200 } }],
    ['busy', { progress: { outcome: 'retry' }, attempt: { status: 503, error: 'HTTP 503' }, token: 'g0-a1' }],
    ['strict', { progress: { outcome: 'dead', reason: 'HTTP 400' }, attempt: { status: 400 } }],
    ['paused', { progress: { outcome: 'filtered' } }],
    ['gone', { progress: { outcome: 'dead' } }],
  ])('records the outcome (%s), before the message is acknowledged', async (id, settlement) => {
    const { failures, ledger } = await deliver([id]);
    expect(failures).toEqual({});
    expect(ledger.settled).toMatchObject([{ webhookId: to(id).webhook_id, settlement }]);
    expect(ledger.settled[0]?.settlement.progress).not.toHaveProperty('redrive');
  });

  test('records it last: its carrier, or its dead-letter message, exists by then', async () => {
    const order: string[] = [];
    const note = (what: string) => async () => void order.push(what);
    for (const id of ['busy', 'acme', 'strict']) {
      await deliver([id], {
        ...(id === 'acme' && { limiter: limiterThatSays({ decisions: [reserved(NOW + 60_000)] }) }),
        workflow: { start: (given) => note('execution')().then(() => ({ token: executionToken(given), isOwn: true })) },
        defer: () => note('message')().then(() => new Set<string>()),
        deadLetter: () => note('deadLetter')().then(() => new Set<string>()),
        ledger: openLedger({ settle: (_, { progress }) => note(`ledger: ${progress.outcome}`)().then(() => true) }),
      });
    }
    expect(order).toEqual(['execution', 'ledger: retry', 'message', 'ledger: retry', 'deadLetter', 'ledger: dead']);
  });

  test('gives each message that returns to the queue a new token', async () => {
    const limiter = limiterThatSays({ decisions: [reserved(NOW + 60_000)] });
    const first = await deliver(['acme'], { limiter });
    const back = read(first.deferred[0]);
    const second = await deliver([back], { limiter });
    expect([back.token, read(second.deferred[0]).token]).toEqual(['g0-d1-m', 'g0-d2-m']);
    const settled = [...first.ledger.settled, ...second.ledger.settled];
    expect(settled.map(({ settlement }) => settlement.token)).toEqual(['g0-d1-m', 'g0-d2-m']);
  });

  test('cannot park it after the last wait: it keeps waiting in the workflow', async () => {
    const endings: Settlement[] = [];
    const ledger = openLedger({
      async settle(_, settlement) {
        endings.push(settlement);
        return false;
      },
    });
    const limiter = limiterThatSays({ decisions: [{ verdict: 'reject', reason: 'gone' }] });
    const parked = delivery(ENRICHED, { integration_id: 'acme' }, { park_count: 6 });
    const { started } = await deliver([parked], { ledger, limiter });
    expect(started).toMatchObject([{ progress: { outcome: 'retry', park_count: 6, parked_for: 'gone' } }]);
    expect(endings).toMatchObject([
      { progress: { outcome: 'parked' } },
      { progress: { outcome: 'retry', park_count: 6 }, token: 'g0' },
    ]);
  });
});

test.each([
  ['half an object', '{', /^not JSON$/],
  ['an empty object', '{}', /^schema_version: /],
  ['a payload that is no text', JSON.stringify({ ...to('acme'), payload: { a: 1 } }), /^payload: /],
])('an invalid message (%s) is dead-lettered unchanged, with the reason', async (_what, body, reason) => {
  const { failures, deadLetters, log } = await deliver([{ id: 'odd', body }]);
  expect(deadLetters).toEqual([{ id: 'odd', body, reason: expect.stringMatching(reason) }]);
  expect(log.only('delivery.rejected')).toMatchObject({ message_id: 'odd' });
  expect(failures).toEqual({});
});

describe('a batch', () => {
  test('asks each integration’s limiter once, and reports once', async () => {
    const asked: [string, number][] = [];
    const limiter = openLimiter({
      async acquire({ id }, requests) {
        asked.push([id, requests.length]);
        return { decisions: requests.map(() => ({ verdict: 'allow' })), isSlow: false, wantsReport: false };
      },
    });
    const second = message(delivery(ENRICHED, { integration_id: 'busy', event_id: 'another' }));
    const { failures } = await deliver(['acme', 'busy', { ...second, id: 'the second' }], { limiter });
    expect(failures).toEqual({});
    expect(Object.fromEntries(asked)).toEqual({ acme: 1, busy: 2 });
    expect(asked).toHaveLength(2);
    expect(limiter.reports).toEqual([reportOf({ failed: 2 })]);
  });

  test('is delivered in parallel: a partner that hangs does not delay others', async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const rest = Promise.withResolvers<void>();
    const urls: string[] = [];
    const sender: DeliverMessagesServices['sender'] = {
      send({ url }) {
        urls.push(url);
        if (urls.length === 3) rest.resolve();
        return url.includes('busy') ? hanging.promise : Promise.resolve(answered(200));
      },
    };
    const ending = deliver(['busy', 'acme', 'strict'], { sender });
    await rest.promise;
    hanging.resolve({ kind: 'failed', code: 'TIMEOUT' });
    expect((await ending).failures).toEqual({});
  });

  const throws = (thrown: unknown) => async () => {
    throw thrown;
  };

  test.each<[string, Messages, Partial<DeliverMessagesServices>, object]>([
    [
      'whose workflow did not start',
      ['busy', 'acme', 'slow', 'strict'],
      { workflow: { start: throws(serviceError('ThrottlingException')) } },
      { 'message for busy': 'ThrottlingException', 'message for slow': 'ThrottlingException' },
    ],
    [
      'that the dead letter queue refused',
      ['strict', 'acme', { id: 'odd', body: '{' }],
      { deadLetter: async (deadLetters) => new Set(deadLetters.map(({ id }) => id)) },
      { 'message for strict': 'QueueRefused', odd: 'QueueRefused' },
    ],
    [
      'whose integration’s entry is broken',
      ['broken', 'acme'],
      { integrations: { read: async () => ({ ...KNOWN, broken: brokenEntry('broken') }) } },
      { 'message for broken': 'ConfigurationUnavailable' },
    ],
    [
      'that a fault of ours hit',
      ['busy', 'acme'],
      {
        sender: { send: async ({ url }) => (url.includes('busy') ? throws(new TypeError('a bug'))() : answered(200)) },
      },
      { 'message for busy': 'TypeError' },
    ],
  ])('leaves in the queue only those %s, with the reason', async (_what, messages, overrides, expected) => {
    const { failures, log, ledger } = await deliver(messages, overrides);
    expect(failures).toEqual(expected);
    expect(log.messages().filter((line) => line === 'delivery.failed')).toHaveLength(Object.keys(expected).length);
    expect(ledger.settled.map(({ webhookId }) => webhookId)).toContain(to('acme').webhook_id);
  });

  test('stays in the queue if the integrations were never read, and nothing is sent', async () => {
    const { failures, sent, deadLetters } = await deliver(['acme', 'busy'], {
      integrations: { read: async () => undefined },
    });
    expect(Object.values(failures)).toEqual(['ConfigurationUnavailable', 'ConfigurationUnavailable']);
    expect([sent, deadLetters]).toEqual([[], []]);
  });
});

test('nothing of a learner is logged, and no reason has it', async () => {
  const [email] = LEARNER_DATA;
  const faulty = Object.keys(to('acme')).map((field) => ({
    id: `faulty ${field}`,
    body: JSON.stringify({ ...to('acme'), [field]: { email } }),
  }));
  const cut = { id: 'cut', body: toMessageText(to('acme')).slice(0, -1) };
  const good = ['acme', 'busy', 'slow', 'strict', 'paused', 'gone'].map((id) => to(id, NOT_ENRICHED));
  const { deadLetters, log } = await deliver([...good, ...faulty, cut], {
    workflow: {
      async start() {
        throw new SyntaxError(`Unexpected token in ${email}`);
      },
    },
  });
  expect(deadLetters.length).toBeGreaterThan(faulty.length);
  const written = log.text() + JSON.stringify(deadLetters.map(({ reason }) => reason));
  for (const data of LEARNER_DATA) expect(written).not.toContain(data);
});
