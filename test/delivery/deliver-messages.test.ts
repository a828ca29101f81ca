import { describe, expect, test } from '@jest/globals';
import type { DeadLetter } from '../../lambdas/delivery/dead-letter-messages.ts';
import { type DeliverMessagesServices, deliverMessages } from '../../lambdas/delivery/deliver-messages.ts';
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
import { allowed, failing, gone, reportOf, reserved, unreserved } from '../support/limiter-decisions.ts';
import { openLedger } from '../support/open-ledger.ts';
import { failed, limiterReturning, openLimiter, responded, sendingServices } from '../support/sending.ts';

const NOW_ISO = new Date(NOW).toISOString();
const to = (integration_id: string, enrichment: Delivery['progress']['enrichment'] = ENRICHED) =>
  delivery(enrichment, { integration_id, event_id: `event for ${integration_id}` });
const message = (given: Delivery) => ({ id: `message for ${given.integration_id}`, body: toMessageText(given) });
const read = (sent: { readonly body: string } | undefined) => deliverySchema.parse(JSON.parse(sent?.body ?? ''));

const KNOWN = registry(
  ...['acme', 'busy', 'strict'].map((id) => integration({ id, url: `https://${id}.example/` })),
  integration({ id: 'slow', url: 'https://slow.example/', timeout_seconds: 16 }),
  integration({ id: 'inactive', active: false }),
);
const RESPONSES: Record<string, SendResult> = {
  'https://busy.example/': responded(503),
  'https://strict.example/': responded(400),
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
    ...{ ledger, log, counter: fakeCounter(), limiter: openLimiter(), random: () => 0.5 },
    integrations: { read: async () => KNOWN },
    sender: {
      async send(request) {
        sent.push(request);
        return RESPONSES[request.url] ?? responded(200);
      },
    },
    workflow: {
      async start(given) {
        started.push(given);
        return { token: executionToken(given), isOwn: true };
      },
    },
    async defer(more) {
      deferred.push(...more);
      return new Set();
    },
    async deadLetter(more) {
      deadLetters.push(...more);
      return new Set();
    },
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

  test('goes to the workflow after a temporary failure: due in a second, one attempt spent', async () => {
    const { failures, started, deadLetters } = await deliver(['busy']);
    const progress = { enrichment: ENRICHED, attempt: 1, due_at: '2026-01-15T12:00:01.000Z' };
    expect(started).toEqual([{ ...to('busy'), progress: { ...progress, outcome: 'retry', reason: 'HTTP 503' } }]);
    expect([failures, deadLetters]).toEqual([{}, []]);
  });

  test('goes to the dead letter queue after a permanent failure, as a delivery of the next generation', async () => {
    const { failures, started, deadLetters } = await deliver(['strict']);
    const deadLetter = { id: 'message for strict', body: expect.any(String), reason: 'HTTP 400' };
    expect(deadLetters).toEqual([{ ...deadLetter, integrationId: 'strict', webhookId: to('strict').webhook_id }]);
    expect(read(deadLetters[0])).toEqual({ ...to('strict'), generation: 1 });
    expect([failures, started]).toEqual([{}, []]);
  });

  const lead = { event_type: 'lead', kind: 'lead.calculated', send_at: '2026-01-15T13:00:00.000Z' } as const;
  const scheduled = delivery(NOT_ENRICHED, { ...lead, generation: 1 }, { timed: true, due_at: lead.send_at });

  test.each([
    ['its integration has a long timeout', to('slow'), NOW_ISO],
    ['its learning time is pending', to('acme', PENDING), NOW_ISO],
    ['it is scheduled: the workflow reads its timer', scheduled, lead.send_at],
  ])('goes to the workflow without a claim if %s', async (_what, given, due_at) => {
    const { failures, sent, started, ledger } = await deliver([given]);
    const progress = { ...given.progress, due_at };
    expect(started).toEqual([{ ...given, progress }]);
    const settlement = { token: executionToken(given), progress: { ...progress, outcome: 'retry' } };
    expect(ledger.noted).toMatchObject([{ webhookId: given.webhook_id, settlement }]);
    expect([failures, sent, ledger.claims]).toEqual([{}, [], []]);
  });

  test.each([
    ['half an object', '{', /^not JSON$/],
    ['an empty object', '{}', /^schema_version: /],
    ['a payload that is no text', JSON.stringify({ ...to('acme'), payload: { a: 1 } }), /^payload: /],
  ])('is dead-lettered unchanged, with the reason, if it is invalid: %s', async (_what, body, reason) => {
    const { failures, deadLetters, log } = await deliver([{ id: 'odd', body }]);
    expect(deadLetters).toEqual([{ id: 'odd', body, reason: expect.stringMatching(reason) }]);
    expect(log.only('delivery.rejected')).toMatchObject({ message_id: 'odd' });
    expect(failures).toEqual({});
  });
});

describe('a message that the limiter does not allow', () => {
  const atMs = NOW + 90_500;
  const reservedUntil = (ms: number) => limiterReturning({ decisions: [reserved(ms)] });

  test('returns to the queue with a delay of whole seconds until its reserved slot, and with a new token', async () => {
    const limiter = reservedUntil(atMs);
    const first = await deliver(['acme'], { limiter });
    const deferred = { id: 'message for acme', body: expect.any(String), groupId: 'acme', delaySeconds: 90 };
    expect([first.failures, first.sent, first.started, first.deferred]).toEqual([{}, [], [], [deferred]]);
    const back = read(first.deferred[0]);
    expect(back.progress).toMatchObject({ attempt: 0, reserved_for: '2026-01-15T12:01:30.500Z' });
    const second = await deliver([back], { limiter });
    expect([back.token, read(second.deferred[0]).token]).toEqual(['g0-d1-m', 'g0-d2-m']);
    const settled = [...first.ledger.settled, ...second.ledger.settled];
    expect(settled.map(({ settlement }) => settlement.token)).toEqual(['g0-d1-m', 'g0-d2-m']);
  });

  test('returns to the queue after a 429, at its position, with its attempt in the ledger and none spent', async () => {
    const decisions = [allowed, { ...unreserved(atMs), position: 7 }];
    const limiter = openLimiter({
      acquire: async () => ({ decisions: decisions.splice(0, 1), isSlow: false, wantsReport: false }),
    });
    const sender = { send: async () => responded(429) };
    const { deferred, started, ledger } = await deliver(['acme'], { limiter, sender });
    expect([started, deferred.map(({ delaySeconds }) => delaySeconds)]).toEqual([[], [90]]);
    const { progress } = read(deferred[0]);
    expect(progress).toMatchObject({ attempt: 0, queue_position: 7, throttled_since: NOW_ISO, reason: 'HTTP 429' });
    expect(ledger.settled).toMatchObject([{ settlement: { progress, attempt: { status: 429 }, token: 'g0-d1-m' } }]);
  });

  test('returns immediately, and does not wait for another attempt that hangs', async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const taken = Promise.withResolvers<void>();
    const ending = deliver(['acme', { ...message(to('acme')), id: 'the second' }], {
      limiter: limiterReturning({ decisions: [allowed, reserved(atMs)] }),
      sender: { send: () => hanging.promise },
      async defer() {
        taken.resolve();
        return new Set();
      },
    });
    await taken.promise;
    hanging.resolve(responded(200));
    expect((await ending).failures).toEqual({});
  });

  test('returns without a delay if its slot has passed', async () => {
    let now = NOW;
    const count = () => {
      now += 5_000;
    };
    const counter = { count, measure() {} };
    const { deferred } = await deliver(['acme'], { limiter: reservedUntil(NOW + 1_500), now: () => now, counter });
    expect(deferred).toMatchObject([{ delaySeconds: 0 }]);
  });

  test.each([
    [
      'its slot is further ahead than SQS delays',
      { decisions: [reserved(NOW + 901_000)] },
      { due_at: '2026-01-15T12:15:01.000Z', reserved_for: '2026-01-15T12:15:01.000Z' },
    ],
    [
      'the endpoint fails, and it is parked',
      { decisions: [failing] },
      { due_at: '2026-01-15T12:01:00.000Z', park_count: 1, reason: 'parked: integration acme is failing' },
    ],
    [
      'the endpoint is slow, and would block the queue',
      { isSlow: true },
      { due_at: '2026-01-15T12:00:01.000Z', reserved_for: NOW_ISO, reason: 'the endpoint is slow' },
    ],
  ])('goes to the workflow without an attempt if %s', async (_what, response, progress) => {
    const { sent, started, deferred } = await deliver(['acme'], { limiter: limiterReturning(response) });
    expect(started).toMatchObject([{ progress: { attempt: 0, outcome: 'retry', ...progress } }]);
    expect([sent, deferred]).toEqual([[], []]);
  });

  test('keeps waiting in the workflow if the ledger cannot park it after the last wait', async () => {
    const settlements: Settlement[] = [];
    const ledger = openLedger({
      async settle(_, settlement) {
        settlements.push(settlement);
        return false;
      },
    });
    const parked = delivery(ENRICHED, { integration_id: 'acme' }, { park_count: 6 });
    const { started } = await deliver([parked], { ledger, limiter: limiterReturning({ decisions: [gone] }) });
    expect(started).toMatchObject([{ progress: { outcome: 'retry', park_count: 6, parked_for: 'gone' } }]);
    const retry = { progress: { outcome: 'retry', park_count: 6 }, token: 'g0' };
    expect(settlements).toMatchObject([{ progress: { outcome: 'parked' } }, retry]);
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

  test('finished, or carried by another: it is acknowledged, and nothing is sent', async () => {
    const { failures, ...rest } = await deliver(['acme'], claiming({ verdict: 'done', state: 'delivered' }));
    expect([failures, rest.sent, rest.started, rest.deadLetters]).toEqual([{}, [], [], []]);
  });

  test('takes the generation and the attempts of its record', async () => {
    const claimed = delivery(ENRICHED, { integration_id: 'busy', generation: 2 }, { attempt: 3 });
    const lease = { delivery: claimed, record: undefined };
    const { started } = await deliver(['busy'], claiming({ verdict: 'claimed', lease }));
    expect(started).toMatchObject([{ generation: 2, progress: { attempt: 4 } }]);
  });

  test.each([
    ['acme', { progress: { outcome: 'delivered' }, attempt: { status: 200 } }],
    ['busy', { progress: { outcome: 'retry' }, attempt: { status: 503, error: 'HTTP 503' }, token: 'g0-a1' }],
    ['strict', { progress: { outcome: 'dead', reason: 'HTTP 400' }, attempt: { status: 400 } }],
    ['inactive', { progress: { outcome: 'filtered' } }],
    ['removed', { progress: { outcome: 'dead' } }],
  ])('records the outcome (%s), before the message is acknowledged', async (id, settlement) => {
    const { failures, ledger } = await deliver([id]);
    expect(failures).toEqual({});
    expect(ledger.settled).toMatchObject([{ webhookId: to(id).webhook_id, settlement }]);
    expect(ledger.settled[0]?.settlement.progress).not.toHaveProperty('redrive');
  });

  test('records the outcome last: the carrier, or the dead-letter message, already exists', async () => {
    const order: string[] = [];
    const note = async (what: string) => void order.push(what);
    for (const id of ['busy', 'acme', 'strict']) {
      await deliver([id], {
        ...(id === 'acme' && { limiter: limiterReturning({ decisions: [reserved(NOW + 60_000)] }) }),
        workflow: { start: (given) => note('execution').then(() => ({ token: executionToken(given), isOwn: true })) },
        defer: () => note('message').then(() => new Set<string>()),
        deadLetter: () => note('deadLetter').then(() => new Set<string>()),
        ledger: openLedger({ settle: (_, { progress }) => note(`ledger: ${progress.outcome}`).then(() => true) }),
      });
    }
    expect(order).toEqual(['execution', 'ledger: retry', 'message', 'ledger: retry', 'deadLetter', 'ledger: dead']);
  });
});

describe('a batch', () => {
  test('asks each integration’s limiter once, and reports once', async () => {
    const asked: [string, number][] = [];
    const limiter = openLimiter({
      async acquire({ id }, requests) {
        asked.push([id, requests.length]);
        return { decisions: requests.map(() => allowed), isSlow: false, wantsReport: false };
      },
    });
    const second = message(delivery(ENRICHED, { integration_id: 'busy', event_id: 'another' }));
    const { failures } = await deliver(['acme', 'busy', { ...second, id: 'the second' }], { limiter });
    expect(failures).toEqual({});
    expect(asked.toSorted()).toEqual([
      ['acme', 1],
      ['busy', 2],
    ]);
    expect(limiter.reports).toEqual([reportOf({ failed: 2 })]);
  });

  test('is delivered in parallel: a partner that hangs does not delay others', async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const rest = Promise.withResolvers<void>();
    const urls: string[] = [];
    const sender: DeliverMessagesServices['sender'] = {
      send({ url }) {
        if (urls.push(url) === 3) rest.resolve();
        return url.includes('busy') ? hanging.promise : Promise.resolve(responded(200));
      },
    };
    const ending = deliver(['busy', 'acme', 'strict'], { sender });
    await rest.promise;
    hanging.resolve(failed('TIMEOUT'));
    expect((await ending).failures).toEqual({});
  });

  const throws = (thrown: unknown) => async () => {
    throw thrown;
  };
  const refusing = async (messages: readonly { readonly id: string }[]) => new Set(messages.map(({ id }) => id));

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
      { deadLetter: refusing },
      { 'message for strict': 'QueueRefused', odd: 'QueueRefused' },
    ],
    [
      'that the deliveries queue refused to take back',
      ['busy', 'acme'],
      {
        defer: refusing,
        limiter: openLimiter({
          acquire: async ({ id }) => ({
            decisions: [id === 'busy' ? reserved(NOW + 60_000) : allowed],
            isSlow: false,
            wantsReport: false,
          }),
        }),
      },
      { 'message for busy': 'QueueRefused' },
    ],
    [
      'whose integration’s entry is broken',
      ['broken', 'acme'],
      { integrations: { read: async () => ({ ...KNOWN, broken: brokenEntry('broken') }) } },
      { 'message for broken': 'ConfigurationUnavailable' },
    ],
    [
      'that a fault of our own affects',
      ['busy', 'acme'],
      {
        sender: { send: async ({ url }) => (url.includes('busy') ? throws(new TypeError('a bug'))() : responded(200)) },
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
    const unread = { integrations: { read: async () => undefined } };
    const { failures, sent, deadLetters } = await deliver(['acme', 'busy'], unread);
    expect(Object.values(failures)).toEqual(['ConfigurationUnavailable', 'ConfigurationUnavailable']);
    expect([sent, deadLetters]).toEqual([[], []]);
  });
});

test('no log line and no reason contains learner data', async () => {
  const [email] = LEARNER_DATA;
  const faulty = Object.keys(to('acme')).map((field) => ({
    id: `faulty ${field}`,
    body: JSON.stringify({ ...to('acme'), [field]: { email } }),
  }));
  const cut = { id: 'cut', body: toMessageText(to('acme')).slice(0, -1) };
  const good = ['acme', 'busy', 'slow', 'strict', 'inactive', 'removed'].map((id) => to(id, NOT_ENRICHED));
  const start = () => Promise.reject(new SyntaxError(`Unexpected token in ${email}`));
  const { deadLetters, log } = await deliver([...good, ...faulty, cut], { workflow: { start } });
  expect(deadLetters.length).toBeGreaterThan(faulty.length);
  const written = log.text() + JSON.stringify(deadLetters.map(({ reason }) => reason));
  for (const data of LEARNER_DATA) expect(written).not.toContain(data);
});
