import { beforeAll, expect, test } from '@jest/globals';
import { handler } from '../../lambdas/warming/warm-cache.ts';
import type { WarmRequest } from '../../lambdas/warming/warm-report.ts';
import { COURSE, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { ask } from '../../local/valkey/ask.ts';
import { deployFlag, runningSession } from '../e2e/running-session.ts';
import { until } from '../support/assembly.ts';
import { CONTEXT, wearEnvironment } from '../support/handler-wiring.ts';

/** The handler in this process, with the variables of its function, around a running stage. */
const session = runningSession({ partners: { skillsoft: { behaviour: 200 } } });
const invoke = (input: object) => handler(input as WarmRequest, CONTEXT);

beforeAll(async () => {
  const { platform, warehouse } = session();
  wearEnvironment(platform.functions.find('warm-cache').configuration.environment);
  deployFlag(platform, { enabled: true, rollout_percentage: 100, pilot_enterprises: [ENTERPRISE] });
  const date = new Date().toISOString().slice(0, 10);
  await warehouse.load([{ userId: LEARNER.known, courseId: COURSE, enterpriseId: ENTERPRISE, date, seconds: 60 }]);
});

test('reads flag, integrations and secret, and loads the learners with recent activity', async () => {
  expect(await invoke({ dry_run: true })).toMatchObject({ result: 'due', reason: 'no_marker', last_complete: null });
  expect(await invoke({})).toMatchObject({
    result: 'complete',
    enterprises: 1,
    read_through: 1,
    rows: 2,
    unreadable: 0,
  });
  const key = `learning_time:${LEARNER.known}:${COURSE}:${ENTERPRISE}`;
  // The sum over all time, although the other days are not recent.
  expect(await ask(session().platform.valkey.port, ['GET', key])).toContain('{"s":18600,');
  expect(await invoke({})).toMatchObject({ result: 'current', last_complete: { entries: 2 } });
  // The run does not wait until its sessions have ended.
  await until(() => session().warehouse.sessionCount() === 0);
});

test('rejects an input with other fields', async () => {
  await expect(invoke({ force: true })).rejects.toMatchObject({ name: 'InputInvalid' });
});
