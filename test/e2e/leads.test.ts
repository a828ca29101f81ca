import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { output } from '../../local/demo/operator.ts';
import { lead } from '../../local/demo/sample-events.ts';
import { until } from '../support/assembly.ts';
import { deadLettersOf, linesOf, receiptsOf, runningWorld } from './running-world.ts';

/** An hour is nine seconds. */
const TIME_SCALE = 400;

const world = runningWorld({
  timeScale: TIME_SCALE,
  partners: {
    n8n: { answers: 200, entry: { event_types: ['lead'] } },
    'n8n-down': { answers: 503, entry: { event_types: ['lead'] } },
    'n8n-inactive': { answers: 404, entry: { event_types: ['lead'] } },
    'n8n-back': { answers: [503, 503, 503, 200] },
    'n8n-active-again': { answers: [404, 200] },
  },
});

const MINUTE_MS = 60_000;

/** Time enough for another publication to be taken, 15 s here, also where others use the cores. */
const SAFE_MINUTES = 100;
const now = () => new Date().toISOString();
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE_MS).toISOString();

/** When something may happen that is due in so many minutes of the workflow, in epoch milliseconds. */
const dueMs = (sinceMs: number, minutes: number) => sinceMs + (minutes * MINUTE_MS) / TIME_SCALE;

async function publish(...events: readonly object[]): Promise<number> {
  const publishedAtMs = Date.now();
  await world().publish(events.map((event) => JSON.stringify(event)));
  return publishedAtMs;
}

const receivedMs = (integrationId: string, eventId: string) =>
  receiptsOf(world(), integrationId, eventId).map(({ received_at }) => Date.parse(received_at));

/** The executions of a webhook, newest first: each generation’s is another. */
const executionsOf = (integrationId: string, eventId: string) =>
  world().platform.stateMachine.executionsNamed(webhookId(integrationId, eventId));

/** What became of each, once all have ended. */
async function outcomesOf(integrationId: string, eventId: string) {
  await until(() => executionsOf(integrationId, eventId).every(({ status }) => status !== 'RUNNING'), 60_000);
  return executionsOf(integrationId, eventId).map(({ name, status, output }) => [
    name.split('-').at(-1),
    status,
    JSON.parse(output ?? '{}').outcome,
  ]);
}

describe('a lead that is hot or cold', () => {
  test('is sent at once, as its publisher wrote it, and signed', async () => {
    const hot = lead('hot-1', 'n8n', 1, 'hot', now());
    const cold = lead('cold-1', 'n8n', 2, 'cold', now());
    await publish(hot, cold);
    for (const [id, event] of [
      ['hot-1', hot],
      ['cold-1', cold],
    ] as const) {
      await until(() => receiptsOf(world(), 'n8n', id).length === 1, 30_000);
      expect(receiptsOf(world(), 'n8n', id)[0]).toMatchObject({ body: JSON.stringify(event.payload), verified: true });
      expect(executionsOf('n8n', id)).toEqual([]);
    }
  }, 60_000);

  test.each([
    ['hot', 5],
    ['cold', 2],
  ])(
    'that is %s is tried %i times, and is dead then',
    async (leadType, tries) => {
      const id = `${leadType}-down`;
      await publish(lead(id, 'n8n-down', 3, leadType, now()));
      await until(async () => (await letterOf('n8n-down', id)) !== undefined, 60_000);
      expect(receiptsOf(world(), 'n8n-down', id)).toHaveLength(tries);
    },
    90_000,
  );

  test('is dead at once where the receiver refuses it', async () => {
    await publish(lead('hot-404', 'n8n-inactive', 4, 'hot', now()));
    await until(async () => (await letterOf('n8n-inactive', 'hot-404')) !== undefined, 30_000);
    expect(receiptsOf(world(), 'n8n-inactive', 'hot-404')).toHaveLength(1);
  }, 60_000);
});

describe('a calculated lead', () => {
  test.concurrent('is sent an hour after it occurred, or when it says, or at once where that has passed; never before', async () => {
    const waits = [
      { id: 'usual', minutes: 60, more: {} },
      { id: 'delayed', minutes: 20, more: { delay_minutes: 20 } },
      { id: 'timed', minutes: 10, more: { send_at: inMinutes(10) } },
      { id: 'overdue', minutes: 0, more: { send_at: '2026-01-10T15:30:00+01:00' } },
    ];
    const publishedAtMs = await publish(
      ...waits.map(({ id, more }, index) => lead(id, 'n8n', 100 + index, 'calculated', now(), more)),
    );
    for (const { id, minutes } of waits.toReversed()) {
      await until(() => receivedMs('n8n', id).length === 1, 90_000);
      expect(receivedMs('n8n', id)[0]).toBeGreaterThanOrEqual(dueMs(publishedAtMs, minutes));
      expect(await outcomesOf('n8n', id)).toEqual([['g0', 'SUCCEEDED', 'delivered']]);
    }
  }, 150_000);

  test.concurrent('is cancelled by a later lead of its user, and of no other', async () => {
    const occurredAt = now();
    await publish(
      lead('overtaken', 'n8n', 200, 'calculated', occurredAt, { delay_minutes: SAFE_MINUTES }),
      lead('other-user', 'n8n', 201, 'calculated', occurredAt, { delay_minutes: SAFE_MINUTES }),
    );
    await until(() => executionsOf('n8n', 'overtaken').length === 1, 30_000);
    await publish(lead('came-later', 'n8n', 200, 'cold', now()));
    expect(await outcomesOf('n8n', 'overtaken')).toEqual([['g0', 'SUCCEEDED', 'cancelled']]);
    await until(() => receivedMs('n8n', 'other-user').length === 1, 30_000);
    expect(receivedMs('n8n', 'came-later')).toHaveLength(1);
    expect(receivedMs('n8n', 'overtaken')).toEqual([]);
    expect(linesOf(world(), 'timer.cancelled', 'n8n', 'overtaken')).toHaveLength(1);
  }, 120_000);

  test.concurrent('is not cancelled by an earlier lead that arrives late', async () => {
    const [earlier, later] = [new Date(Date.now() - MINUTE_MS).toISOString(), now()];
    await publish(lead('newer', 'n8n', 210, 'calculated', later, { delay_minutes: 10 }));
    await until(() => executionsOf('n8n', 'newer').length === 1, 30_000);
    await publish(lead('older', 'n8n', 210, 'calculated', earlier, { delay_minutes: 12 }));
    await until(() => executionsOf('n8n', 'older').length === 1, 30_000);
    expect(await outcomesOf('n8n', 'older')).toEqual([['g0', 'SUCCEEDED', 'cancelled']]);
    await until(() => receivedMs('n8n', 'newer').length === 1, 30_000);
  }, 120_000);

  test.concurrent('moved to a later time sleeps on in its execution', async () => {
    const publishedAtMs = await publish(
      lead('later', 'n8n', 220, 'calculated', now(), { delay_minutes: SAFE_MINUTES }),
    );
    await until(() => executionsOf('n8n', 'later').length === 1, 30_000);
    await publish(lead('later', 'n8n', 220, 'calculated', now(), { delay_minutes: SAFE_MINUTES + 40 }));
    await until(() => receivedMs('n8n', 'later').length === 1, 90_000);
    expect(receivedMs('n8n', 'later')[0]).toBeGreaterThanOrEqual(dueMs(publishedAtMs, SAFE_MINUTES + 40));
    expect(await outcomesOf('n8n', 'later')).toEqual([['g0', 'SUCCEEDED', 'delivered']]);
  }, 120_000);

  test.concurrent('moved to an earlier time is sent by its next generation', async () => {
    const publishedAtMs = await publish(
      lead('earlier', 'n8n', 230, 'calculated', now(), { delay_minutes: SAFE_MINUTES }),
    );
    await until(() => executionsOf('n8n', 'earlier').length === 1, 30_000);
    await publish(lead('earlier', 'n8n', 230, 'calculated', now(), { delay_minutes: 10 }));
    await until(() => receivedMs('n8n', 'earlier').length === 1, 60_000);
    expect(receivedMs('n8n', 'earlier')[0]).toBeLessThan(dueMs(publishedAtMs, SAFE_MINUTES));
    expect(await outcomesOf('n8n', 'earlier')).toEqual([
      ['g1', 'SUCCEEDED', 'delivered'],
      ['g0', 'SUCCEEDED', 'cancelled'],
    ]);
    expect(receivedMs('n8n', 'earlier')).toHaveLength(1);
  }, 150_000);

  test.concurrent('moved in the same moment in which it is published is sent at its new time, whoever takes which', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `at-once-${index}`);
    const [occurredAt, movedAt] = [new Date(Date.now() - 1000).toISOString(), now()];
    const publishedAtMs = Date.now();
    await Promise.all(
      ids.flatMap((id, index) => [
        publish(lead(id, 'n8n', 300 + index, 'calculated', occurredAt, { delay_minutes: SAFE_MINUTES })),
        publish(lead(id, 'n8n', 300 + index, 'calculated', movedAt, { delay_minutes: 10 })),
      ]),
    );
    await until(() => ids.every((id) => receivedMs('n8n', id).length === 1), 60_000);
    for (const id of ids) {
      const [receivedAtMs] = receivedMs('n8n', id);
      expect(receivedAtMs).toBeGreaterThanOrEqual(dueMs(publishedAtMs, 10));
      expect(receivedAtMs).toBeLessThan(dueMs(publishedAtMs, SAFE_MINUTES - 1));
    }
  }, 120_000);

  test.concurrent('that an operator has sent anew is moved like any other', async () => {
    const publishedAtMs = await publish(lead('redriven', 'n8n', 250, 'calculated', now(), { delay_minutes: 400 }));
    const first = await until(() => executionsOf('n8n', 'redriven')[0], 30_000);
    world().platform.stateMachine.abort(first.name);
    const letter = await until(() => letterOf('n8n', 'redriven'), 30_000);
    const QueueUrl = output(world().platform, 'DeliveriesQueueUrl');
    await world().platform.queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: letter.body }));
    await until(() => executionsOf('n8n', 'redriven').some(({ name }) => name.endsWith('-g1')), 30_000);
    await publish(lead('redriven', 'n8n', 250, 'calculated', now(), { delay_minutes: 20 }));
    await until(() => receivedMs('n8n', 'redriven').length === 1, 60_000);
    expect(receivedMs('n8n', 'redriven')[0]).toBeLessThan(dueMs(publishedAtMs, 399));
  }, 150_000);

  test.concurrent('that fails begins anew two hours later, once', async () => {
    const failing = ['n8n-back', 'n8n-active-again', 'n8n-inactive'];
    await publish(...failing.map((id) => lead('failing', id, 240, 'calculated', now(), { delay_minutes: 0 })));
    await until(() => failing.every((id) => executionsOf(id, 'failing')[0]?.status === 'SUCCEEDED'), 150_000);
    const [back, activeAgain, inactive] = failing.map((id) => receivedMs(id, 'failing')) as [
      number[],
      number[],
      number[],
    ];
    // Three tries and the next; a client error is not tried again before.
    expect([back.length, activeAgain.length, inactive.length]).toEqual([4, 2, 2]);
    for (const [last, again] of [back, activeAgain, inactive].map((times) => times.slice(-2))) {
      expect(Number(again) - Number(last)).toBeGreaterThanOrEqual((115 * MINUTE_MS) / TIME_SCALE);
    }
    expect(await outcomesOf('n8n-back', 'failing')).toEqual([['g0', 'SUCCEEDED', 'delivered']]);
    expect(await outcomesOf('n8n-active-again', 'failing')).toEqual([['g0', 'SUCCEEDED', 'delivered']]);
    expect(await outcomesOf('n8n-inactive', 'failing')).toEqual([['g0', 'SUCCEEDED', 'dead']]);
    expect(await letterOf('n8n-inactive', 'failing')).toMatchObject({ reason: 'HTTP 404' });
  }, 180_000);
});

test('a lead that is not as document 003 has it is a dead letter that says so', async () => {
  const faulty = [
    lead('faulty-1', 'n8n', 5, 'warm-ish', now()),
    lead('faulty-2', 'n8n', -5, 'cold', now()),
    { ...lead('faulty-3', 'n8n', 5, 'hot', now()), payload: { user_id: 5, lead_type: 'hot', timestamp: now() } },
    lead('faulty-4', 'n8n', 5, 'hot', now(), { delay_minutes: 5 }),
    lead('faulty-5', 'n8n', 5, 'calculated', now(), { send_at: inMinutes(8 * 24 * 60) }),
  ];
  const before = (await world().evidence([])).eventDeadLetters.length;
  await publish(...faulty);
  const reasons = await until(async () => {
    const letters = (await world().evidence([])).eventDeadLetters.slice(before);
    return letters.length === faulty.length && letters.map(({ reason }) => reason);
  }, 30_000);
  // Which lead types there are is not this test's business.
  expect(new Set(reasons.map((reason) => reason?.replace(/(?<=must be one of ).*/, '…')))).toEqual(
    new Set([
      'payload.lead_type: must be one of …',
      'payload.user_id: must be a whole number above 0, of at most 18 digits',
      'payload.priority: of a hot lead must be "high"',
      'delay_minutes: lead.hot is sent at once',
      'send_at: an event may wait for 7 days at the most',
    ]),
  );
}, 60_000);

async function letterOf(integrationId: string, eventId: string) {
  const letters = await deadLettersOf(world(), integrationId);
  return letters.find(({ body }) => JSON.parse(body).event_id === eventId);
}
