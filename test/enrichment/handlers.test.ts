import { beforeAll, describe, expect, test } from '@jest/globals';
import { handler as checkWarehouse } from '../../lambdas/enrichment/check-warehouse.ts';
import { handler as enrichBatch } from '../../lambdas/enrichment/enrich-batch.ts';
import { handler as enrichTask } from '../../lambdas/enrichment/enrich-task.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { SUSPECT_RECEIVE_COUNT, SUSPECT_VISIBILITY_SECONDS } from '../../lambdas/shared/receive-policy.ts';
import type { AwsCall } from '../../local/aws-calls.ts';
import { COURSE, completion, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { learningTimeOf, receiptsOf, runningSession } from '../e2e/running-session.ts';
import { until } from '../support/assembly.ts';
import { delivery, PENDING } from '../support/factories.ts';
import { CONTEXT, sqsRecord, visibilityOf, wearEnvironment } from '../support/handler-wiring.ts';

/** Handlers in this process, each with the variables of its function, around one running stage. The flag is off at first. */
const calls: AwsCall[] = [];
const session = runningSession({
  platformOptions: { onCall: (call) => calls.push(call) },
  partners: { skillsoft: { behaviour: 200 } },
});

function wear(functionName: string): void {
  wearEnvironment(session().platform.functions.find(functionName).configuration.environment);
}

describe('EnrichBatch, with a developer’s override that switches the feature on although the flag is off', () => {
  beforeAll(() => {
    wear('enrich-batch');
    // During the test the warehouse is not queried again.
    Object.assign(process.env, { WAREHOUSE_OPEN_SECONDS: '10', [FEATURE_OVERRIDE]: 'true' });
  });

  const event = (id: string, learner: number) => JSON.stringify(completion(id, 'skillsoft', learner));

  test('forwards enriched events, dead-letters an invalid one, and hides a suspect message', async () => {
    const suspect = sqsRecord('suspect', event('handled-2', LEARNER.forTwo), SUSPECT_RECEIVE_COUNT);
    const Records = [sqsRecord('good', event('handled-1', LEARNER.known)), sqsRecord('bad', 'no event'), suspect];
    expect(await enrichBatch({ Records }, CONTEXT)).toEqual({ batchItemFailures: [] });

    expect(visibilityOf(suspect.receiptHandle, calls)).toEqual([SUSPECT_VISIBILITY_SECONDS]);
    const arrived = (id: string) => until(() => receiptsOf(session(), 'skillsoft', id)[0]);
    expect(learningTimeOf(await arrived('handled-1'))).toMatchObject({ total_seconds: 18_540 });
    expect(learningTimeOf(await arrived('handled-2'))).toMatchObject({ total_seconds: 5400 });
    const { eventDeadLetters } = await session().evidence([]);
    expect(eventDeadLetters).toMatchObject([{ body: 'no event', reason: 'not JSON' }]);
  });

  test('after several failures the warehouse is not queried, and events go to the workflow', async () => {
    session().warehouse.setMode('refuse');
    const ask = async (id: string) => {
      const Records = [sqsRecord(id, event(id, LEARNER.fallback))];
      expect(await enrichBatch({ Records }, CONTEXT)).toEqual({ batchItemFailures: [] });
      const started = session().platform.stateMachine.execution(`${webhookId('skillsoft', id)}-g0`);
      expect(JSON.parse(started?.input ?? '{}')).toMatchObject({
        progress: { enrichment: { status: 'pending', attempts: 1 }, config_version: 'override' },
      });
      return session().warehouse.loginCount();
    };
    const logins = [];
    for (const id of ['sick-1', 'sick-2', 'sick-3', 'sick-4', 'sick-5']) logins.push(await ask(id));
    // After three consecutive failures the circuit breaker is open for ten seconds.
    expect(logins.slice(3)).toEqual([logins[2], logins[2]]);
  });
});

describe('EnrichTask', () => {
  beforeAll(() => {
    delete process.env[FEATURE_OVERRIDE];
    wear('enrich-task');
    session().switchFlag(true);
    session().warehouse.setMode('up');
  });

  const pending = (learner: number) =>
    delivery(PENDING, { user_id: String(learner), course_id: COURSE, enterprise_customer_uuid: ENTERPRISE });

  test('a pending delivery is enriched by a query, the next one of its learner from the cache', async () => {
    const enriched = { status: 'enriched', total_seconds: 3600, last_updated: '2026-01-10T00:00:00Z' };
    // A login may take longer than its limit on a loaded machine: then it is pending, as in the workflow, and retried.
    const first = await until(async () => {
      const progress = await enrichTask(pending(LEARNER.back), CONTEXT);
      return progress.enrichment.status === 'pending' ? undefined : progress;
    });
    expect(first).toMatchObject({ enrichment: { ...enriched, source: 'warehouse' } });
    expect(await enrichTask(pending(LEARNER.back), CONTEXT)).toMatchObject({
      enrichment: { ...enriched, source: 'cache' },
    });
  });

  test('an invalid delivery throws', async () => {
    await expect(enrichTask({ payload: 1 } as never, CONTEXT)).rejects.toMatchObject({ name: 'InputInvalid' });
  });
});

test('CheckWarehouse queries with the function’s own variables, on each invocation', async () => {
  wear('check-warehouse');
  session().warehouse.setMode('up');
  const known = { user_id: String(LEARNER.known), course_id: COURSE, enterprise_customer_uuid: ENTERPRISE };
  const { checks } = await checkWarehouse({ sample: [{ ...known, total_seconds: 18_540 }] }, CONTEXT);
  expect(checks.map(({ verdict }) => verdict)).toEqual(Array(9).fill('yes'));
  expect(checks[0]).toEqual({ check: 'secret', verdict: 'yes', finding: 'a key pair, 0 days old' });
  session().warehouse.setMode('refuse');
  const later = await checkWarehouse({}, CONTEXT);
  expect(later.checks.find(({ verdict }) => verdict === 'no')).toMatchObject({ check: 'login' });
});
