import { expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { output } from '../../local/demo/operator.ts';
import { completion, enrollment, LEARNER, lead } from '../../local/demo/sample-events.ts';
import type { Execution } from '../../local/step-functions/execution.ts';
import {
  deadLettersOf,
  endDeliveryFunctions,
  learningTimeOf,
  linesOf,
  publishTo,
  publishTogether,
  receiptsOf,
  runningSession,
  until,
  waitForAttempts,
} from './running-session.ts';

/** Longer than an attempt from the queue may take, so that the workflow delivers all of them. */
const BY_WORKFLOW = { timeout_seconds: 60 };

const session = runningSession({
  flag: 'on',
  partners: {
    skillsoft: { behaviour: 200 },
    stalling: { behaviour: ['hang', 200] },
    shaky: { behaviour: [503, 'hang', 200] },
    limited: { behaviour: 'hang', entry: { max_requests_per_minute: 60 } },
    n8n: { behaviour: 200 },
    // Keeps the only environment until that is killed.
    holding: { behaviour: ['hang', 200], entry: BY_WORKFLOW },
    patient: { behaviour: 200, entry: BY_WORKFLOW },
  },
});

const executionsOf = (integrationId: string, eventIds: readonly string[]) =>
  eventIds.flatMap((id) => session().platform.stateMachine.executionsNamed(webhookId(integrationId, id)));

test('EnrichBatch killed while it asks the warehouse: every event of its batch arrives, enriched', async () => {
  const { warehouse, platform } = session();
  const ids = ['killed-1', 'killed-2', 'killed-3'];
  warehouse.setMode('hang');
  await publishTogether(
    session(),
    ids.map((id) => completion(id, 'skillsoft', LEARNER.known)),
  );
  await until(session(), () => warehouse.heldRequestCount() > 0);
  platform.functions.find('enrich-batch').killAll();
  warehouse.setMode('up');

  await waitForAttempts(session(), 'skillsoft', ids, ['delivered']);
  for (const id of ids) {
    const receipts = receiptsOf(session(), 'skillsoft', id);
    expect(receipts.map(learningTimeOf)).toEqual([expect.objectContaining({ total_seconds: 18540 })]);
  }
});

test('DeliverBatch killed while the partner has the request: it is sent again, under the same webhook-id', async () => {
  const { platform, publish } = session();
  await publish([JSON.stringify(enrollment('stalled', 'stalling', LEARNER.known))]);
  await until(session(), () => receiptsOf(session(), 'stalling', 'stalled').length === 1);
  expect(platform.functions.find('deliver-batch').killOne()).toBeDefined();

  await waitForAttempts(session(), 'stalling', ['stalled'], ['delivered']);
  expect(receiptsOf(session(), 'stalling', 'stalled')).toHaveLength(2);
});

test('DeliverTask killed in the workflow: the workflow calls it again, and spends no attempt', async () => {
  const { platform, publish } = session();
  await publish([JSON.stringify(enrollment('shaken', 'shaky', LEARNER.known))]);
  await until(session(), () => receiptsOf(session(), 'shaky', 'shaken').length === 2);
  expect(platform.functions.find('deliver-task').killOne()).toBeDefined();

  await until(session(), () => executionsOf('shaky', ['shaken']).every(({ status }) => status === 'SUCCEEDED'));
  await waitForAttempts(session(), 'shaky', ['shaken'], ['retry', 'delivered']);
  expect(linesOf(session(), 'delivery.attempted', 'shaky', 'shaken').map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(receiptsOf(session(), 'shaky', 'shaken')).toHaveLength(3);
  expect(await deadLettersOf(session(), 'shaky')).toEqual([]);
});

test('DeliverBatch killed under a rate limit, in mid-send and with slots reserved: every event arrives', async () => {
  const { platform, partner } = session();
  const ids = ['in-hand', 'next', 'third', 'fourth'];
  await publishTo(session(), 'limited', ids);
  const sent = () => ids.map((id) => receiptsOf(session(), 'limited', id).length);
  const deferred = async () => (await platform.queues.content(output(platform, 'DeliveriesQueueUrl'))).delayed;
  await until(session(), async () => (await deferred()).some(({ body }) => body.includes('"reserved_for"')));
  await until(session(), () => sent().includes(1));
  await endDeliveryFunctions(session());
  // The partner has read by then what a killed function had sent.
  await session().skip(0);
  const inHand = sent();
  partner.setBehaviour('/limited', 200);

  await waitForAttempts(session(), 'limited', ids, ['delivered']);
  expect(sent()).toEqual(inHand.map((count) => count + 1));
  expect(await deadLettersOf(session(), 'limited')).toEqual([]);
});

const MINUTE_MS = 60_000;

test('leads that wait, every process killed while they are accepted and while they wait: each is sent once, when it is due', async () => {
  const { platform, partner } = session();
  const { functions } = platform;
  const occurredAt = new Date().toISOString();
  const delays = Array.from({ length: 20 }, (_, index) => 80 + index);
  const leadOf = (minutes: number) => `lead-${minutes}`;
  const publishAll = (some: readonly number[]) =>
    publishTogether(
      session(),
      some.map((delay_minutes) =>
        lead(leadOf(delay_minutes), 'n8n', delay_minutes, 'calculated', occurredAt, { delay_minutes }),
      ),
    );
  const first = delays.slice(0, 10);
  const later = delays.slice(10);
  await publishAll(first);
  // Some are accepted then, and others in the hands of a function, or in the queue.
  await until(session(), () => executionsOf('n8n', first.map(leadOf)).length > 0);
  functions.killAll();
  await publishAll(later);
  const ids = delays.map(leadOf);
  const executions = () => executionsOf('n8n', ids);
  await until(session(), () => ids.every((id) => executionsOf('n8n', [id]).length > 0));
  await session().skip(0);
  functions.killAll();

  await until(session(), () => executions().every(({ status }) => status === 'SUCCEEDED'));
  // An event that a killed function has already started is published again as a new generation, which alone is sent.
  const outcomesOf = (id: string) =>
    executionsOf('n8n', [id]).map((execution) => JSON.parse(execution.output ?? '{}').outcome);
  for (const id of ids) expect([['delivered'], ['delivered', 'cancelled']]).toContainEqual(outcomesOf(id));
  // Sent within the minute in which it is due.
  const minutesAfter = (receivedAt: string) =>
    Math.floor((Date.parse(receivedAt) - Date.parse(occurredAt)) / MINUTE_MS);
  const times = ids.map((id) => receiptsOf(session(), 'n8n', id).map(({ received_at }) => minutesAfter(received_at)));
  expect(times).toEqual(delays.map((minutes) => [minutes]));
  expect(partner.receipts.filter(({ integration_id }) => integration_id === 'n8n')).toHaveLength(ids.length);
  expect(await deadLettersOf(session(), 'n8n')).toEqual([]);
});

/** The errors with which a function did not run, each for which a delivery was retried. */
function faultsOf({ history }: Execution): readonly (string | undefined)[] {
  return history.filter(({ type, state }) => type === 'StateFailed' && state === 'Deliver').map(({ error }) => error);
}

/** Expects that each event was sent once by one execution, which spent one attempt. */
async function expectDelivered(integrationId: string, eventIds: readonly string[]): Promise<void> {
  const executions = () => executionsOf(integrationId, eventIds);
  await until(session(), () => executions().every(({ status }) => status !== 'RUNNING'));
  expect(executions().map((execution) => JSON.parse(execution.output ?? ''))).toEqual(
    eventIds.map(() => expect.objectContaining({ outcome: 'delivered', attempt: 1 })),
  );
  expect(eventIds.map((id) => receiptsOf(session(), integrationId, id).length)).toEqual(eventIds.map(() => 1));
  expect(await deadLettersOf(session(), integrationId)).toEqual([]);
}

test('more deliveries at a time than DeliverTask may run: all arrive once, and being throttled spends no attempt', async () => {
  const deliverTask = session().platform.functions.find('deliver-task');
  const ids = Array.from({ length: 12 }, (_, index) => `crowd-${index}`);
  deliverTask.reserveConcurrency(1);
  await publishTo(session(), 'holding', ['first']);
  await until(session(), () => receiptsOf(session(), 'holding', 'first').length === 1);
  await publishTo(session(), 'patient', ids);
  const throttled = () => executionsOf('patient', ids).filter((execution) => faultsOf(execution).length > 0);
  await until(session(), () => throttled().length === ids.length);
  deliverTask.killOne();

  await expectDelivered('patient', ids);
  await until(session(), () => executionsOf('holding', ['first']).every(({ status }) => status === 'SUCCEEDED'));
  expect(new Set(executionsOf('patient', ids).flatMap(faultsOf))).toEqual(new Set(['Lambda.TooManyRequestsException']));
});
