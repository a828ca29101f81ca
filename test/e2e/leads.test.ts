import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { output } from '../../local/demo/operator.ts';
import { lead } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { deadLettersOf, receiptsOf, runningSession, until } from './running-session.ts';

const LEADS_ONLY = { event_types: ['lead'] };
/** Integrations of tests whose partner takes everything. */
const ACCEPTING = ['scheduled', 'later', 'redriven'];

const session = runningSession({
  partners: {
    ...Object.fromEntries(ACCEPTING.map((id) => [id, { behaviour: 200, entry: LEADS_ONLY }])),
    down: { behaviour: 503, entry: LEADS_ONLY },
    'down-at-first': { behaviour: [503, 503, 503, 200] },
    'refusing-at-first': { behaviour: [404, 200] },
    'always-refusing': { behaviour: 404 },
  },
});

const MINUTE_MS = 60_000;
const now = () => new Date().toISOString();
const minutesAfter = (at: string, minutes: number) => new Date(Date.parse(at) + minutes * MINUTE_MS).toISOString();

const publish = (...events: readonly object[]) => session().publish(events.map((event) => JSON.stringify(event)));

const receivedMs = (integrationId: string, eventId: string) =>
  receiptsOf(session(), integrationId, eventId).map(({ received_at }) => Date.parse(received_at));

/** In which minute after a time a partner received each attempt of an event. */
const receivedInMinutes = (integrationId: string, eventId: string, at: string) =>
  receivedMs(integrationId, eventId).map((ms) => Math.floor((ms - Date.parse(at)) / MINUTE_MS));

/** The executions of a delivery, newest first: each generation’s is another. */
const executionsOf = (integrationId: string, eventId: string) =>
  session().platform.stateMachine.executionsNamed(webhookId(integrationId, eventId));

/** Lets the clock go on until an event is scheduled in an execution, and the function that started it has settled that. */
async function untilScheduled(integrationId: string, eventId: string) {
  const execution = await until(session(), () => executionsOf(integrationId, eventId)[0]);
  await session().skip(0);
  return execution;
}

const outcomesOf = (integrationId: string, eventId: string) =>
  executionsOf(integrationId, eventId).map(({ name, status, output }) => [
    name.split('-').at(-1),
    status,
    JSON.parse(output ?? '{}').outcome,
  ]);

describe('a lead that is hot or cold', () => {
  test.each([
    ['hot', [1, 2, 4, 8]],
    ['cold', [1]],
  ])('that is %s is attempted again after %j s, and is dead-lettered then', async (leadType, delaysSeconds) => {
    const id = `${leadType}-down`;
    await publish(lead(id, 'down', 3, leadType, now()));
    await awaitQuiet(session());
    expect(await deadLetterOf('down', id)).toMatchObject({
      reason: `${delaysSeconds.length + 1} attempts failed, the last with: HTTP 503`,
    });
    const times = receivedMs('down', id);
    const waits = times.slice(1).map((ms, index) => ms - Number(times[index]));
    expect(waits).toHaveLength(delaysSeconds.length);
    // Up to 10% less; the time that an attempt takes comes on top.
    for (const [index, seconds] of delaysSeconds.entries()) expect(waits[index]).toBeGreaterThanOrEqual(seconds * 900);
  });
});

describe('a calculated lead', () => {
  test('is sent an hour after it occurred, or at its scheduled time, or at once where that has passed', async () => {
    const occurredAt = now();
    const scheduled = [
      { id: 'usual', minutes: 60, more: {} },
      { id: 'delayed', minutes: 20, more: { delay_minutes: 20 } },
      { id: 'timed', minutes: 10, more: { send_at: minutesAfter(occurredAt, 10) } },
      { id: 'overdue', minutes: 0, more: { send_at: '2026-01-10T15:30:00+01:00' } },
    ];
    await publish(
      ...scheduled.map(({ id, more }, index) => lead(id, 'scheduled', 100 + index, 'calculated', occurredAt, more)),
    );
    await awaitQuiet(session());
    for (const { id, minutes } of scheduled) {
      expect({ id, minutes: receivedInMinutes('scheduled', id, occurredAt) }).toEqual({ id, minutes: [minutes] });
      expect(outcomesOf('scheduled', id)).toEqual([['g0', 'SUCCEEDED', 'delivered']]);
    }
  });

  test('moved to a later time waits on in its execution', async () => {
    const occurredAt = now();
    await publish(lead('later', 'later', 220, 'calculated', occurredAt, { delay_minutes: 30 }));
    await untilScheduled('later', 'later');
    const movedAt = now();
    await publish(lead('later', 'later', 220, 'calculated', movedAt, { delay_minutes: 40 }));
    await awaitQuiet(session());
    expect(receivedInMinutes('later', 'later', movedAt)).toEqual([40]);
    expect(outcomesOf('later', 'later')).toEqual([['g0', 'SUCCEEDED', 'delivered']]);
  });

  test('that an operator has redriven is moved like any other', async () => {
    await publish(lead('redriven', 'redriven', 250, 'calculated', now(), { delay_minutes: 40 }));
    const first = await untilScheduled('redriven', 'redriven');
    session().platform.stateMachine.abort(first.name);
    const deadLetter = await until(session(), () => deadLetterOf('redriven', 'redriven'));
    const QueueUrl = output(session().platform, 'DeliveriesQueueUrl');
    await session().platform.queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: deadLetter.body }));
    await until(session(), () => executionsOf('redriven', 'redriven').some(({ name }) => name.endsWith('-g1')));
    const movedAt = now();
    await publish(lead('redriven', 'redriven', 250, 'calculated', movedAt, { delay_minutes: 20 }));
    await awaitQuiet(session());
    expect(receivedInMinutes('redriven', 'redriven', movedAt)).toEqual([20]);
  });

  test('that fails is attempted again two hours later, once', async () => {
    const failing = ['down-at-first', 'refusing-at-first', 'always-refusing'];
    await publish(...failing.map((id) => lead('failing', id, 240, 'calculated', now(), { delay_minutes: 0 })));
    await awaitQuiet(session());
    const received = failing.map((id) => receivedMs(id, 'failing'));
    // Three attempts and the next; a client error is not retried before.
    expect(received.map(({ length }) => length)).toEqual([4, 2, 2]);
    for (const times of received) {
      const [last, again] = times.slice(-2) as [number, number];
      const waitedMinutes = (again - last) / MINUTE_MS;
      expect(waitedMinutes).toBeGreaterThanOrEqual(120);
      expect(waitedMinutes).toBeLessThan(120 * 1.1 + 1);
    }
    expect(failing.map((id) => outcomesOf(id, 'failing'))).toEqual([
      [['g0', 'SUCCEEDED', 'delivered']],
      [['g0', 'SUCCEEDED', 'delivered']],
      [['g0', 'SUCCEEDED', 'dead']],
    ]);
    expect(await deadLetterOf('always-refusing', 'failing')).toMatchObject({ reason: 'HTTP 404' });
  });
});

async function deadLetterOf(integrationId: string, eventId: string) {
  const deadLetters = await deadLettersOf(session(), integrationId);
  return deadLetters.find(({ body }) => JSON.parse(body).event_id === eventId);
}
