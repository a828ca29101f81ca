import { expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { completion, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { until } from '../support/assembly.ts';
import {
  deadLettersOf,
  endDeliveryFunctions,
  learningTimeOf,
  linesOf,
  publishTo,
  receiptsOf,
  runningWorld,
  TAKEN_OVER_MS,
} from './running-world.ts';

const world = runningWorld({
  flag: 'on',
  partners: {
    skillsoft: { answers: 200 },
    stalling: { answers: ['hang', 200] },
    shaky: { answers: [503, 'hang', 200] },
    limited: { answers: 'hang', entry: { max_requests_per_minute: 60 } },
  },
});

test('EnrichBatch killed while it asks the warehouse: every event of its batch arrives, enriched', async () => {
  const { warehouse, platform, publish } = world();
  const ids = ['killed-1', 'killed-2', 'killed-3'];
  warehouse.setMode('hang');
  await publish(ids.map((id) => JSON.stringify(completion(id, 'skillsoft', LEARNER.known))));
  await until(() => warehouse.heldRequestCount() > 0, 30_000);
  expect(platform.functions.find('enrich-batch').killOne()).toBeDefined();
  warehouse.setMode('up');

  await until(() => ids.every((id) => receiptsOf(world(), 'skillsoft', id).length > 0), 30_000);
  for (const id of ids) {
    expect(learningTimeOf(receiptsOf(world(), 'skillsoft', id)[0])).toMatchObject({ total_seconds: 18540 });
  }
}, 60_000);

test('DeliverBatch killed while the partner has the request: it is sent again, under the same webhook-id', async () => {
  const { platform, publish } = world();
  await publish([JSON.stringify(enrollment('stalled', 'stalling', LEARNER.known))]);
  await until(() => receiptsOf(world(), 'stalling', 'stalled').length === 1);
  expect(platform.functions.find('deliver-batch').killOne()).toBeDefined();

  await until(() => receiptsOf(world(), 'stalling', 'stalled').length === 2, TAKEN_OVER_MS);
}, 120_000);

test('DeliverTask killed in the workflow: the workflow calls it again, and spends no try', async () => {
  const { platform, publish, evidence } = world();
  await publish([JSON.stringify(enrollment('shaken', 'shaky', LEARNER.known))]);
  await until(() => receiptsOf(world(), 'shaky', 'shaken').length === 2);
  expect(platform.functions.find('deliver-task').killOne()).toBeDefined();

  await until(() => receiptsOf(world(), 'shaky', 'shaken').length === 3, TAKEN_OVER_MS);
  await until(() => platform.stateMachine.executions().every(({ status }) => status === 'SUCCEEDED'), 30_000);
  const { logs, deliveryDeadLetters } = await evidence([]);
  const last = logs.findLast((line) => line.integration_id === 'shaky' && line.outcome === 'delivered');
  expect(last).toMatchObject({ attempt: 2 });
  expect(deliveryDeadLetters).toEqual([]);
}, 120_000);

test('DeliverBatch killed under a rate limit, in mid-send and with moments reserved: every event arrives', async () => {
  const { platform, partner } = world();
  const ids = ['in-hand', 'next', 'third', 'fourth'];
  await publishTo(world(), 'limited', ids);
  const receipts = () => partner.receipts.filter(({ integration_id }) => integration_id === 'limited');
  const deferred = async () => (await platform.queues.content(output(platform, 'DeliveriesQueueUrl'))).delayed;
  await until(async () => (await deferred()).some(({ body }) => body.includes('"reserved_for"')), 30_000);
  await until(() => receipts().length > 0);
  await endDeliveryFunctions(world());
  partner.setBehaviour('/limited', 200);

  const isDelivered = (id: string) =>
    linesOf(world(), 'delivery.attempted', 'limited', id).some(({ outcome }) => outcome === 'delivered');
  await until(() => ids.every(isDelivered), TAKEN_OVER_MS);
  expect(await deadLettersOf(world(), 'limited')).toEqual([]);
}, 120_000);
