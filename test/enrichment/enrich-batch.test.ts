import { beforeAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { SUSPECT_RECEIVE_COUNT, SUSPECT_VISIBILITY_SECONDS } from '../../lambdas/domain/receive-policy.ts';
import { handler } from '../../lambdas/enrichment/enrich-batch.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { learningTimeOf, receiptsOf, runningWorld } from '../e2e/running-world.ts';
import { until } from '../support/assembly.ts';
import { CONTEXT, sqsRecord, wearEnvironment } from '../support/handler-wiring.ts';

const world = runningWorld({ flag: 'on', partners: { skillsoft: { answers: 200 } } });

beforeAll(() => {
  wearEnvironment(world().platform.functions.find('enrich-batch').configuration.environment);
  // Not scaled: for the length of a test the warehouse is left alone.
  process.env.WAREHOUSE_OPEN_SECONDS = '10';
});

const event = (id: string, learner: number) => JSON.stringify(completion(id, 'skillsoft', learner));

test('a variable that is missing ends the invocation, by its name; set, the next one goes on', async () => {
  const { CACHE_HOST } = process.env;
  delete process.env.CACHE_HOST;
  await expect(handler({ Records: [] }, CONTEXT)).rejects.toMatchObject({
    name: 'EnvironmentInvalid',
    message: expect.stringContaining('CACHE_HOST'),
  });
  process.env.CACHE_HOST = String(CACHE_HOST);
  expect(await handler({ Records: [] }, CONTEXT)).toEqual({ batchItemFailures: [] });
});

test('forwards what the warehouse answers, dead-letters what is no event, takes a suspect out of sight', async () => {
  const suspect = sqsRecord('suspect', event('handled-2', LEARNER.forTwo), SUSPECT_RECEIVE_COUNT);
  const Records = [sqsRecord('good', event('handled-1', LEARNER.known)), sqsRecord('bad', 'no event'), suspect];
  const calledMs = Date.now();
  expect(await handler({ Records }, CONTEXT)).toEqual({ batchItemFailures: [] });

  const hiddenUntil = world().platform.queues.takeOwnVisibility(suspect.receiptHandle) ?? 0;
  expect(hiddenUntil).toBeGreaterThanOrEqual(calledMs + SUSPECT_VISIBILITY_SECONDS * 1000);
  const arrived = (id: string) => until(() => receiptsOf(world(), 'skillsoft', id)[0]);
  expect(learningTimeOf(await arrived('handled-1'))).toMatchObject({ total_seconds: 18_540 });
  expect(learningTimeOf(await arrived('handled-2'))).toMatchObject({ total_seconds: 5400 });
  const { eventDeadLetters } = await world().evidence([]);
  expect(eventDeadLetters).toMatchObject([{ body: 'no event', reason: 'not JSON' }]);
}, 30_000);

test('what the warehouse does not answer goes to the workflow', async () => {
  world().warehouse.setMode('refuse');
  const Records = [sqsRecord('waiting', event('handled-3', LEARNER.fallback))];
  expect(await handler({ Records }, CONTEXT)).toEqual({ batchItemFailures: [] });

  const started = world().platform.stateMachine.execution(`${webhookId('skillsoft', 'handled-3')}-g0`);
  expect(JSON.parse(started?.input ?? '{}')).toMatchObject({
    progress: { enrichment: { status: 'pending', tries: 1 } },
  });
}, 30_000);

test('a warehouse that refuses again and again is asked no more, and its events still go to the workflow', async () => {
  world().warehouse.setMode('refuse');
  const ask = async (id: string) => {
    const Records = [sqsRecord(id, event(id, LEARNER.fallback))];
    expect(await handler({ Records }, CONTEXT)).toEqual({ batchItemFailures: [] });
    expect(world().platform.stateMachine.execution(`${webhookId('skillsoft', id)}-g0`)).toBeDefined();
    return world().warehouse.loginCount();
  };
  const logins = [];
  for (const id of ['sick-1', 'sick-2', 'sick-3', 'sick-4', 'sick-5']) logins.push(await ask(id));
  // Whatever this environment saw before: three refusals in a row, and then silence for ten seconds.
  expect(logins[4]).toBe(logins[2]);
  expect(logins[4]).toBe(logins[3]);
}, 30_000);
