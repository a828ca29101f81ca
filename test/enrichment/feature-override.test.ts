import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FEATURE_OVERRIDE } from '../../lambdas/contract/flag.ts';
import { handler } from '../../lambdas/enrichment/enrich-task.ts';
import { COURSE, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { runningWorld } from '../e2e/running-world.ts';
import { delivery, PENDING } from '../support/factories.ts';
import { wearEnvironment } from '../support/handler-wiring.ts';

/** The flag is off there. */
const world = runningWorld();

beforeAll(() => {
  wearEnvironment({
    ...world().platform.functions.find('enrich-task').configuration.environment,
    [FEATURE_OVERRIDE]: 'true',
  });
});
afterAll(() => {
  delete process.env[FEATURE_OVERRIDE];
});

test('a developer’s override switches the feature on although the flag is off', async () => {
  const pending = delivery(PENDING, {
    user_id: String(LEARNER.known),
    course_id: COURSE,
    enterprise_customer_uuid: ENTERPRISE,
  });
  // On a loaded machine a login may take longer than its limit: what the flag decided shows all the same.
  const { enrichment, config_version } = await handler(pending);
  expect(['enriched', 'pending']).toContain(enrichment.status);
  expect(config_version).toBe('override');
}, 60_000);
