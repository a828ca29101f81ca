import { expect, test } from '@jest/globals';
import { completion, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { until } from '../support/assembly.ts';
import { learningTimeOf, receiptsOf, runningWorld } from './running-world.ts';

const world = runningWorld({
  flag: 'on',
  partners: {
    skillsoft: { answers: 200 },
    stalling: { answers: ['hang', 200] },
    shaky: { answers: [503, 'hang', 200] },
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

  await until(() => receiptsOf(world(), 'stalling', 'stalled').length === 2, 30_000);
}, 60_000);

test('DeliverTask killed in the workflow: the workflow calls it again, and spends no try', async () => {
  const { platform, publish, evidence } = world();
  await publish([JSON.stringify(enrollment('shaken', 'shaky', LEARNER.known))]);
  await until(() => receiptsOf(world(), 'shaky', 'shaken').length === 2);
  expect(platform.functions.find('deliver-task').killOne()).toBeDefined();

  await until(() => receiptsOf(world(), 'shaky', 'shaken').length === 3, 30_000);
  await until(() => platform.stateMachine.executions().every(({ status }) => status === 'SUCCEEDED'));
  const { logs, deliveryDeadLetters } = await evidence([]);
  const last = logs.findLast((line) => line.integration_id === 'shaky' && line.outcome === 'delivered');
  expect(last).toMatchObject({ attempt: 2 });
  expect(deliveryDeadLetters).toEqual([]);
}, 60_000);
