import { beforeAll, expect, test } from '@jest/globals';
import { handler } from '../../lambdas/enrichment/check-warehouse.ts';
import { COURSE, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { runningWorld } from '../e2e/running-world.ts';
import { wearEnvironment } from '../support/handler-wiring.ts';

const world = runningWorld();

beforeAll(() => wearEnvironment(world().platform.functions.find('check-warehouse').configuration.environment));

const sample = [
  { user_id: String(LEARNER.known), course_id: COURSE, enterprise_customer_uuid: ENTERPRISE, total_seconds: 18_540 },
];

test('asks with the function’s own variables: a yes throughout, and an age of the secret', async () => {
  const { checks } = await handler({ sample });
  expect(checks.map(({ verdict }) => verdict)).toEqual(Array(8).fill('yes'));
  expect(checks[0]).toEqual({ check: 'secret', verdict: 'yes', finding: 'a key pair, 0 days old' });
}, 60_000);

test('each time anew: what was well may not be now', async () => {
  world().warehouse.setMode('refuse');
  const { checks } = await handler({});
  expect(checks.find(({ verdict }) => verdict === 'no')).toMatchObject({ check: 'login' });
}, 60_000);
