import { describe, expect, test } from '@jest/globals';
import { type Delivery, deliverySchema } from '../../lambdas/contract/delivery.ts';
import type { OutgoingMessage, SendResult, WebhookRequest } from '../../lambdas/contract/delivery-ports.ts';
import type { Claim, Ending, Ledger } from '../../lambdas/contract/ledger-ports.ts';
import { type DeliverMessagesServices, deliverMessages } from '../../lambdas/delivery/deliver-messages.ts';
import type { DeadLetter } from '../../lambdas/delivery/settle.ts';
import { executionToken } from '../../lambdas/domain/identity.ts';
import { toMessageText } from '../../lambdas/domain/json-text.ts';
import {
  book,
  brokenEntry,
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  integration,
  LEARNER_DATA,
  NOW,
  PENDING,
  PLAIN,
  serviceError,
} from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';
import { answered, limiterThatSays, openLimiter, sendingServices } from '../support/sending.ts';

const to = (integration_id: string, enrichment: Delivery['progress']['enrichment'] = ENRICHED) =>
  delivery(enrichment, { integration_id, event_id: `event for ${integration_id}` });
const message = (given: Delivery) => ({ id: `message for ${given.integration_id}`, body: toMessageText(given) });
const messagesFor = (...ids: readonly string[]) => ids.map((id) => message(to(id)));

const KNOWN = book(
  ...['acme', 'busy', 'strict'].map((id) => integration({ id, url: `https://${id}.example/` })),
  integration({ id: 'slow', url: 'https://slow.example/', timeout_seconds: 16 }),
  integration({ id: 'paused', active: false }),
);
const ANSWERS: Record<string, SendResult> = {
  'https://busy.example/': answered(503),
  'https://strict.example/': answered(400),
};

/** Services whose partners answer 200, but `busy` 503 and `strict` 400. */
function world(overrides: Partial<DeliverMessagesServices> = {}) {
  const sent: WebhookRequest[] = [];
  const started: Delivery[] = [];
  const letters: DeadLetter[] = [];
  const deferred: OutgoingMessage[] = [];
  const log = fakeLog();
  const services: DeliverMessagesServices = {
    ...sendingServices([]),
    limiter: openLimiter(),
    async defer(messages) {
      deferred.push(...messages);
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
    ledger: openLedger(),
    async deadLetter(more) {
      letters.push(...more);
      return new Set();
    },
    log,
    counter: fakeCounter(),
    now: () => NOW,
    random: () => 0.5,
    ...overrides,
  };
  return { services, sent, started, letters, deferred, log };
}

test('what waits for its moment goes to the workflow, due then: nothing is early, and timers are asked there', async () => {
  const { services, sent, started } = world();
  const lead = { event_type: 'lead', kind: 'lead.calculated', send_at: '2026-01-15T13:00:00.000Z' } as const;
  const given = delivery(PLAIN, { ...lead, generation: 1 }, { timed: true, due_at: lead.send_at });
  expect(await deliverMessages([message(given)], services)).toEqual(new Map());
  expect(sent).toEqual([]);
  expect(started).toEqual([given]);
});

describe('a message of the deliveries queue', () => {
  test('is delivered and acknowledged', async () => {
    const { services, sent, started, letters } = world();
    expect((await deliverMessages(messagesFor('acme'), services)).size).toBe(0);
    expect(sent.map(({ url }) => url)).toEqual(['https://acme.example/']);
    expect([started, letters]).toEqual([[], []]);
  });

  test('goes to the workflow where its partner may be well soon: due in a second, one try spent', async () => {
    const { services, started, letters } = world();
    expect((await deliverMessages(messagesFor('busy'), services)).size).toBe(0);
    expect(started).toEqual([
      {
        ...to('busy'),
        progress: {
          enrichment: ENRICHED,
          attempt: 1,
          due_at: '2026-01-15T12:00:01.000Z',
          outcome: 'retry',
          reason: 'HTTP 503',
        },
      },
    ]);
    expect(letters).toEqual([]);
  });

  test('goes to the dead letter queue where it is permanent: a delivery of the next generation', async () => {
    const { services, started, letters } = world();
    expect((await deliverMessages(messagesFor('strict'), services)).size).toBe(0);
    expect(started).toEqual([]);
    expect(letters).toEqual([
      {
        id: 'message for strict',
        body: expect.any(String),
        reason: 'HTTP 400',
        integrationId: 'strict',
        webhookId: to('strict').webhook_id,
      },
    ]);
    expect(deliverySchema.parse(JSON.parse(letters[0]?.body ?? ''))).toEqual({ ...to('strict'), generation: 1 });
  });

  test('goes to the workflow untried, due at once, where its partner is slow by its own account', async () => {
    const { services, sent, started } = world();
    await deliverMessages(messagesFor('slow'), services);
    expect(sent).toEqual([]);
    expect(started).toEqual([delivery(ENRICHED, to('slow'), { due_at: '2026-01-15T12:00:00.000Z' })]);
  });
});

describe('a message whose integration’s limiter does not let it pass', () => {
  const atMs = NOW + 90_500;
  const reservedUntil = (ms: number) =>
    limiterThatSays({ decisions: [{ verdict: 'wait', atMs: ms, isReserved: true }] });

  test('returns to the queue for the whole seconds until its turn, with the moment that is its own', async () => {
    const { services, sent, started, deferred } = world({ limiter: reservedUntil(atMs) });
    expect((await deliverMessages(messagesFor('acme'), services)).size).toBe(0);
    expect([sent, started]).toEqual([[], []]);
    expect(deferred).toEqual([{ id: 'message for acme', body: expect.any(String), groupId: 'acme', delaySeconds: 90 }]);
    expect(deliverySchema.parse(JSON.parse(deferred[0]?.body ?? '')).progress).toMatchObject({
      attempt: 0,
      reserved_for: '2026-01-15T12:01:30.500Z',
    });
  });

  test('returns at once, not when a batch-mate that hangs has ended', async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const taken = Promise.withResolvers<void>();
    const { services } = world({
      limiter: limiterThatSays({
        decisions: [{ verdict: 'allow' }, { verdict: 'wait', atMs, isReserved: true }],
      }),
      sender: { send: () => hanging.promise },
      async defer() {
        taken.resolve();
        return new Set();
      },
    });
    const ending = deliverMessages([message(to('acme')), { ...message(to('acme')), id: 'the second' }], services);
    await taken.promise;
    hanging.resolve(answered(200));
    expect((await ending).size).toBe(0);
  });

  test('returns without a delay where its moment has come meanwhile', async () => {
    let now = NOW;
    const counter = {
      count() {
        now += 5_000;
      },
      measure() {},
    };
    const { services, deferred } = world({ limiter: reservedUntil(NOW + 1_500), now: () => now, counter });
    await deliverMessages(messagesFor('acme'), services);
    expect(deferred).toMatchObject([{ delaySeconds: 0 }]);
  });

  test('goes to the workflow where its turn is further away than SQS delays', async () => {
    const { services, started, deferred } = world({ limiter: reservedUntil(NOW + 901_000) });
    await deliverMessages(messagesFor('acme'), services);
    expect(deferred).toEqual([]);
    expect(started[0]?.progress).toMatchObject({
      outcome: 'retry',
      due_at: '2026-01-15T12:15:01.000Z',
      reserved_for: '2026-01-15T12:15:01.000Z',
    });
  });

  test('stays in the queue where SQS does not take it back', async () => {
    const { services } = world({
      limiter: reservedUntil(atMs),
      defer: async (messages) => new Set(messages.map(({ id }) => id)),
    });
    expect([...(await deliverMessages(messagesFor('acme'), services))]).toEqual([['message for acme', 'QueueRefused']]);
  });

  test('shows the moment that was reserved for it when it comes back', async () => {
    const asked: unknown[] = [];
    const limiter = openLimiter({
      async acquire(_integration, requests, options) {
        asked.push(requests, options);
        return { decisions: [{ verdict: 'allow' }], isSlow: false, wantsReport: false };
      },
    });
    const { services, sent } = world({ limiter });
    const back = to('acme');
    const progress = { ...back.progress, reserved_for: '2026-01-15T12:00:00.000Z' };
    await deliverMessages([message({ ...back, progress })], services);
    expect(asked).toEqual([[{ reservedForMs: NOW }], { mayProbe: false }]);
    expect(sent).toHaveLength(1);
  });

  test('sleeps in the workflow where the endpoint fails, without a try', async () => {
    const limiter = limiterThatSays({ decisions: [{ verdict: 'reject', reason: 'failing' }] });
    const { services, sent, started } = world({ limiter });
    await deliverMessages(messagesFor('acme'), services);
    expect(sent).toEqual([]);
    expect(started[0]?.progress).toMatchObject({
      attempt: 0,
      sleeps: 1,
      due_at: '2026-01-15T12:01:00.000Z',
      reason: 'parked: integration acme is failing',
    });
  });

  test('is tried by the workflow where the endpoint keeps requests waiting: the queue is for all', async () => {
    const { services, sent, started } = world({ limiter: limiterThatSays({ isSlow: true }) });
    await deliverMessages(messagesFor('acme'), services);
    expect(sent).toEqual([]);
    expect(started[0]?.progress).toEqual({
      enrichment: ENRICHED,
      attempt: 0,
      due_at: '2026-01-15T12:00:01.000Z',
      reserved_for: '2026-01-15T12:00:00.000Z',
      outcome: 'retry',
      reason: 'the endpoint is slow',
    });
  });
});

describe('what the ledger says of a message', () => {
  const claiming = (claim: Claim) => openLedger({ claim: async () => claim });

  test('in hand elsewhere: it stays in the queue, and nothing is sent', async () => {
    const { services, sent, log } = world({ ledger: claiming({ verdict: 'busy', untilMs: NOW + 1 }) });
    expect([...(await deliverMessages(messagesFor('acme'), services))]).toEqual([
      ['message for acme', 'another function has claimed it'],
    ]);
    expect(sent).toEqual([]);
    expect(log.messages()).not.toContain('delivery.failed');
  });

  test('dealt with, or carried by somebody else: it is acknowledged, and nothing is sent', async () => {
    const { services, sent, started, letters } = world({
      ledger: claiming({ verdict: 'done', state: 'delivered' }),
    });
    expect((await deliverMessages(messagesFor('acme'), services)).size).toBe(0);
    expect([sent, started, letters]).toEqual([[], [], []]);
  });

  test('not asked where its integration is slow, or its learning time pending: the workflow’s first try asks', async () => {
    const ledger = openLedger();
    const { services, sent, started } = world({ ledger });
    for (const given of [to('slow'), to('acme', PENDING)]) await deliverMessages([message(given)], services);
    expect([ledger.claims, sent]).toEqual([[], []]);
    expect(started[1]?.progress).toEqual({ enrichment: PENDING, attempt: 0, due_at: '2026-01-15T12:00:00.000Z' });
    expect(ledger.noted).toMatchObject([
      { webhookId: to('slow').webhook_id, ending: { token: 'g0', progress: { outcome: 'retry' } } },
      { webhookId: to('acme').webhook_id, ending: { token: 'g0', progress: { outcome: 'retry' } } },
    ]);
  });

  test('joins the generation and the tries that it knows of', async () => {
    const hold = { delivery: delivery(ENRICHED, { integration_id: 'busy', generation: 2 }, { attempt: 3 }) };
    const { services, started } = world({
      ledger: claiming({ verdict: 'mine', hold: { ...hold, record: undefined } }),
    });
    await deliverMessages(messagesFor('busy'), services);
    expect(started).toMatchObject([{ generation: 2, progress: { attempt: 4 } }]);
  });

  test.each([
    ['acme', { progress: { outcome: 'delivered' }, attempt: { status: 200 } }],
    ['busy', { progress: { outcome: 'retry' }, attempt: { status: 503, error: 'HTTP 503' }, token: 'g0-a1' }],
    ['strict', { progress: { outcome: 'dead', reason: 'HTTP 400' }, attempt: { status: 400 } }],
    ['paused', { progress: { outcome: 'unwanted' } }],
    ['gone', { progress: { outcome: 'dead' } }],
  ])('is told what became of it (%s), before the message is acknowledged', async (id, ending) => {
    const ledger = openLedger();
    const { services } = world({ ledger });
    expect((await deliverMessages(messagesFor(id), services)).size).toBe(0);
    expect(ledger.settled).toMatchObject([{ webhookId: to(id).webhook_id, ending }]);
    expect(ledger.settled[0]?.ending.progress).not.toHaveProperty('redrive');
  });

  test('is told last: who carries the webhook on, or its letter, exists by then', async () => {
    const order: string[] = [];
    const note = (what: string) => async () => void order.push(what);
    const { services } = world({
      limiter: openLimiter({
        async acquire({ id }, requests) {
          const atMs = NOW + 60_000;
          const later = { verdict: 'wait', atMs, isReserved: true } as const;
          return {
            decisions: requests.map(() => (id === 'acme' ? later : { verdict: 'allow' })),
            isSlow: false,
            wantsReport: false,
          };
        },
      }),
      workflow: { start: (given) => note('execution')().then(() => ({ token: executionToken(given), isOwn: true })) },
      defer: () => note('message')().then(() => new Set<string>()),
      deadLetter: () => note('letter')().then(() => new Set<string>()),
      ledger: openLedger({ settle: (_, { progress }) => note(`ledger: ${progress.outcome}`)().then(() => true) }),
    });
    for (const id of ['busy', 'acme', 'strict']) await deliverMessages([message(to(id))], services);
    expect(order).toEqual(['execution', 'ledger: retry', 'message', 'ledger: retry', 'letter', 'ledger: dead']);
  });

  test('knows a message that returns to the queue by a token, another one each time', async () => {
    const ledger = openLedger();
    const limiter = limiterThatSays({ decisions: [{ verdict: 'wait', atMs: NOW + 60_000, isReserved: true }] });
    const { services, deferred } = world({ ledger, limiter });
    await deliverMessages(messagesFor('acme'), services);
    const back = deliverySchema.parse(JSON.parse(deferred[0]?.body ?? ''));
    await deliverMessages([message(back)], services);
    const again = deliverySchema.parse(JSON.parse(deferred[1]?.body ?? ''));
    expect([back.token, again.token]).toEqual(['g0-d1-m', 'g0-d2-m']);
    expect(ledger.settled.map(({ ending }) => ending.token)).toEqual(['g0-d1-m', 'g0-d2-m']);
  });

  test('cannot hold what has slept long enough: it sleeps on in the workflow', async () => {
    const endings: Ending[] = [];
    const settle: Ledger['settle'] = async (_, ending) => {
      endings.push(ending);
      return false;
    };
    const parked = limiterThatSays({ decisions: [{ verdict: 'reject', reason: 'gone' }] });
    const { services, started } = world({ ledger: openLedger({ settle }), limiter: parked });
    const slept = to('acme');
    await deliverMessages([message({ ...slept, progress: { ...slept.progress, sleeps: 6 } })], services);
    expect(started).toMatchObject([{ progress: { outcome: 'retry', sleeps: 6, parked_for: 'gone' } }]);
    expect(endings).toMatchObject([
      { progress: { outcome: 'parked' } },
      { progress: { outcome: 'retry', sleeps: 6 }, token: 'g0' },
    ]);
  });
});

describe('a message that is no delivery', () => {
  test.each([
    ['half an object', '{', /^not JSON$/],
    ['an empty object', '{}', /^schema_version: /],
    ['a payload that is no text', JSON.stringify({ ...to('acme'), payload: { a: 1 } }), /^payload: /],
  ])('(%s) goes to the dead letter queue as it came, with the reason', async (_what, body, reason) => {
    const { services, letters, log } = world();
    expect((await deliverMessages([{ id: 'odd', body }], services)).size).toBe(0);
    expect(letters).toEqual([{ id: 'odd', body, reason: expect.stringMatching(reason) }]);
    expect(log.only('delivery.rejected')).toMatchObject({ message_id: 'odd' });
  });
});

describe('a batch', () => {
  test('asks each integration’s limiter once, and tells it once how its tries ended', async () => {
    const asked: [string, number][] = [];
    const limiter = openLimiter({
      async acquire({ id }, requests) {
        asked.push([id, requests.length]);
        return { decisions: requests.map(() => ({ verdict: 'allow' })), isSlow: false, wantsReport: false };
      },
    });
    const { services } = world({ limiter });
    const second = delivery(ENRICHED, { integration_id: 'busy', event_id: 'another' });
    const ids = [to('acme'), to('busy'), second].map((given, index) => ({ ...message(given), id: `message ${index}` }));
    expect((await deliverMessages(ids, services)).size).toBe(0);
    expect(asked).toEqual([
      ['acme', 1],
      ['busy', 2],
    ]);
    expect(limiter.reports).toEqual([
      { passed: 0, failed: 2, isGone: false, isThrottled: false, retryAfterMs: 0, tookMs: 0 },
    ]);
  });

  test('is delivered side by side: a partner that hangs holds up no other', async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const rest = Promise.withResolvers<void>();
    const urls: string[] = [];
    const { services } = world({
      sender: {
        send({ url }) {
          urls.push(url);
          if (urls.length === 3) rest.resolve();
          return url.includes('busy') ? hanging.promise : Promise.resolve(answered(200));
        },
      },
    });
    const ending = deliverMessages(messagesFor('busy', 'acme', 'strict'), services);
    await rest.promise;
    hanging.resolve({ kind: 'failed', code: 'TIMEOUT' });
    expect((await ending).size).toBe(0);
  });

  test('leaves in the queue just those whose workflow did not start', async () => {
    const { services, log } = world({
      workflow: {
        async start() {
          throw serviceError('ThrottlingException');
        },
      },
    });
    const failures = await deliverMessages(messagesFor('busy', 'acme', 'slow', 'strict'), services);
    expect(Object.fromEntries(failures)).toEqual({
      'message for busy': 'ThrottlingException',
      'message for slow': 'ThrottlingException',
    });
    expect(log.messages().filter((line) => line === 'delivery.failed')).toHaveLength(2);
  });

  test('leaves in the queue just those that the dead letter queue refused', async () => {
    const { services } = world({ deadLetter: async (letters) => new Set(letters.map(({ id }) => id)) });
    const odd = { id: 'odd', body: '{' };
    const failures = await deliverMessages([message(to('strict')), message(to('acme')), odd], services);
    expect([...failures.keys()].toSorted()).toEqual(['message for strict', 'odd']);
    expect(new Set(failures.values())).toEqual(new Set(['QueueRefused']));
  });

  test('stays in the queue where the integrations were never read, and nothing is sent anywhere', async () => {
    const { services, sent, letters } = world({ integrations: { read: async () => undefined } });
    const failures = await deliverMessages(messagesFor('acme', 'busy'), services);
    expect([...failures.values()]).toEqual(['ConfigurationUnavailable', 'ConfigurationUnavailable']);
    expect([sent, letters]).toEqual([[], []]);
  });

  test('leaves in the queue just those whose integration’s entry is broken', async () => {
    const broken = { ...KNOWN, broken: brokenEntry('broken') };
    const { services, sent } = world({ integrations: { read: async () => broken } });
    const failures = await deliverMessages(messagesFor('broken', 'acme'), services);
    expect([...failures]).toEqual([['message for broken', 'ConfigurationUnavailable']]);
    expect(sent).toHaveLength(1);
  });

  test('is harmed by no fault of ours at one of its messages', async () => {
    const { services } = world({
      sender: {
        async send({ url }) {
          if (url.includes('busy')) throw new TypeError('a bug');
          return answered(200);
        },
      },
    });
    expect([...(await deliverMessages(messagesFor('busy', 'acme'), services))]).toEqual([
      ['message for busy', 'TypeError'],
    ]);
  });
});

test('nothing of a learner is logged, and no reason has it', async () => {
  const [email] = LEARNER_DATA;
  const faulty = Object.keys(to('acme')).map((field) => ({
    id: `faulty ${field}`,
    body: JSON.stringify({ ...to('acme'), [field]: { email } }),
  }));
  const cut = { id: 'cut', body: toMessageText(to('acme')).slice(0, -1) };
  const { services, letters, log } = world({
    workflow: {
      async start() {
        throw new SyntaxError(`Unexpected token in ${email}`);
      },
    },
  });
  const good = ['acme', 'busy', 'slow', 'strict', 'paused', 'gone'].map((id) => message(to(id, PLAIN)));
  await deliverMessages([...good, ...faulty, cut], services);
  expect(letters.length).toBeGreaterThan(faulty.length);
  const told = log.text() + JSON.stringify(letters.map(({ reason }) => reason));
  for (const data of LEARNER_DATA) expect(told).not.toContain(data);
});
