import { beforeAll, expect, test } from '@jest/globals';
import { handler } from '../../lambdas/enrichment/enrich-task.ts';
import { COURSE, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { runningWorld } from '../e2e/running-world.ts';
import { until } from '../support/assembly.ts';
import { delivery, PENDING } from '../support/factories.ts';
import { wearEnvironment } from '../support/handler-wiring.ts';

const world = runningWorld({ flag: 'on' });

beforeAll(() => wearEnvironment(world().platform.functions.find('enrich-task').configuration.environment));

const pending = delivery(PENDING, {
  user_id: String(LEARNER.known),
  course_id: COURSE,
  enterprise_customer_uuid: ENTERPRISE,
});

test('a pending delivery is answered by the warehouse, the next one of its learner by the cache', async () => {
  const enriched = { status: 'enriched', total_seconds: 18_540, last_updated: '2026-01-10T00:00:00Z' };
  // A login may take longer than its limit on a loaded machine: then it is pending, as in the workflow, and tried again.
  const first = await until(async () => {
    const progress = await handler(pending);
    return progress.enrichment.status === 'pending' ? undefined : progress;
  }, 60_000);
  expect(first).toMatchObject({ enrichment: { ...enriched, source: 'warehouse' } });
  expect(await handler(pending)).toMatchObject({ enrichment: { ...enriched, source: 'cache' } });
}, 90_000);

test('a warehouse that refuses leaves it pending, one try more', async () => {
  world().warehouse.setMode('refuse');
  const progress = await handler({ ...pending, user_id: String(LEARNER.fallback) });
  expect(progress.enrichment).toEqual({ ...PENDING, tries: PENDING.tries + 1 });
}, 30_000);

test('what is no delivery is thrown back', async () => {
  await expect(handler({ payload: 1 })).rejects.toMatchObject({ name: 'MalformedDelivery' });
});
