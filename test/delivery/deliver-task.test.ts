import { beforeAll, expect, test } from '@jest/globals';
import { handler } from '../../lambdas/delivery/deliver-task.ts';
import { receiptsOf, runningWorld } from '../e2e/running-world.ts';
import { delivery, PENDING } from '../support/factories.ts';
import { wearEnvironment } from '../support/handler-wiring.ts';

const world = runningWorld({ partners: { healthy: { answers: 200 } } });

beforeAll(() => wearEnvironment(world().platform.functions.find('deliver-task').configuration.environment));

test('a settled delivery reaches its partner', async () => {
  const input = delivery(undefined, { integration_id: 'healthy', event_id: 'from-the-workflow' });
  expect(await handler(input)).toMatchObject({ outcome: 'delivered', attempt: 1 });
  expect(receiptsOf(world(), 'healthy', 'from-the-workflow')).toHaveLength(1);
});

test('an integration that is gone makes it a dead letter', async () => {
  const result = await handler(delivery(undefined, { integration_id: 'gone' }));
  expect(result).toMatchObject({
    outcome: 'dead',
    reason: 'no integration has the id gone',
    redrive: { generation: 1 },
  });
});

test('a pending delivery, or none at all, is thrown back', async () => {
  await expect(handler(delivery(PENDING))).rejects.toMatchObject({
    name: 'MalformedDelivery',
    message: 'its enrichment is not settled',
  });
  await expect(handler('text')).rejects.toMatchObject({ name: 'MalformedDelivery' });
});
