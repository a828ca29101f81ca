import { beforeAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import {
  deadLettersOf,
  linesOf,
  publishTo,
  receiptsOf,
  redeploy,
  runningWorld,
  until,
  waitForAttempts,
} from './running-world.ts';

const world = runningWorld({
  partners: {
    skillsoft: { answers: 200 },
    resting: { answers: 200, entry: { paused: true } },
    leaving: { answers: 410 },
  },
});
// Before any function has read the integrations: everything is paused.
beforeAll(() => redeploy(world(), {}, { paused: true }));

const parkings = (integrationId: string, eventId: string) =>
  linesOf(world(), 'delivery.parked', integrationId, eventId);

/** Until a delivery is parked, and nothing more happens before it is due. */
async function parked(integrationId: string, eventId: string) {
  const [line] = await until(world(), () => {
    const lines = parkings(integrationId, eventId);
    return lines.length > 0 && lines;
  });
  await world().skip(0);
  return line?.reason;
}

const reasonsOf = (integrationId: string, eventId: string) =>
  parkings(integrationId, eventId).map(({ reason }) => reason);

/** Each parked delivery waits for its time: 60 s the first time and 120 s the second, up to a tenth more or less. */
function expectSleeps(integrationId: string, eventId: string, sleepsSeconds: readonly number[]): void {
  const lines = parkings(integrationId, eventId);
  const sleptMs = lines.map(({ timestamp, due_at }) => Date.parse(String(due_at)) - Date.parse(String(timestamp)));
  expect(sleptMs.map((ms, index) => Math.abs(ms / 1000 / (sleepsSeconds[index] ?? 0) - 1) < 0.11)).toEqual(
    sleepsSeconds.map(() => true),
  );
  const [last] = receiptsOf(world(), integrationId, eventId).slice(-1);
  expect(Date.parse(String(last?.received_at))).toBeGreaterThanOrEqual(Date.parse(String(lines.at(-1)?.due_at)));
}

test('paused, all or one: events wait in the workflow unsent, and are sent when they are resumed', async () => {
  await publishTo(world(), 'skillsoft', ['in-the-pause']);
  await publishTo(world(), 'resting', ['rested-1', 'rested-2']);
  for (const [integrationId, eventId] of [
    ['skillsoft', 'in-the-pause'],
    ['resting', 'rested-1'],
    ['resting', 'rested-2'],
  ] as const) {
    expect(await parked(integrationId, eventId)).toBe('parked: all integrations are paused');
    const executions = world().platform.stateMachine.executionsNamed(webhookId(integrationId, eventId));
    expect(executions.map(({ status }) => status)).toEqual(['RUNNING']);
  }
  expect(world().partner.receipts).toEqual([]);

  redeploy(world(), {}, { paused: false });
  await waitForAttempts(world(), 'skillsoft', ['in-the-pause'], ['delivered']);
  expectSleeps('skillsoft', 'in-the-pause', [60]);
  // Both wake within the time of the first one's jitter.
  for (const id of ['rested-1', 'rested-2']) await until(world(), () => parkings('resting', id).length === 2);
  await publishTo(world(), 'resting', ['rested-3']);
  expect(await parked('resting', 'rested-3')).toBe('parked: integration resting is paused');
  expect(world().partner.receipts.filter(({ integration_id }) => integration_id === 'resting')).toEqual([]);

  redeploy(world(), { resting: { paused: false } });
  const resting = ['rested-1', 'rested-2', 'rested-3'];
  await waitForAttempts(world(), 'resting', resting, ['delivered']);
  for (const id of ['rested-1', 'rested-2']) {
    expect(reasonsOf('resting', id)).toEqual([
      'parked: all integrations are paused',
      'parked: integration resting is paused',
    ]);
    expectSleeps('resting', id, [60, 120]);
  }
  expectSleeps('resting', 'rested-3', [60]);
  expect(resting.map((id) => receiptsOf(world(), 'resting', id).length)).toEqual([1, 1, 1]);
  expect(linesOf(world(), 'delivery.attempted', 'resting', 'rested-1')[0]).toMatchObject({ attempt: 1 });
  expect(await deadLettersOf(world(), 'resting')).toEqual([]);
});

test('410: later events of that integration are parked without a request, until it is resumed', async () => {
  const others = ['after-it-left-1', 'after-it-left-2'];
  await publishTo(world(), 'leaving', ['last']);
  expect(await parked('leaving', 'last')).toBe('parked: HTTP 410, the endpoint is gone');
  await publishTo(world(), 'leaving', others);
  for (const id of others) expect(await parked('leaving', id)).toBe('parked: integration leaving is gone');
  expect(others.flatMap((id) => receiptsOf(world(), 'leaving', id))).toEqual([]);

  world().partner.setBehaviour('/leaving', 200);
  redeploy(world(), { leaving: { resumed_at: new Date().toISOString() } });
  await waitForAttempts(world(), 'leaving', others, ['delivered']);
  await waitForAttempts(world(), 'leaving', ['last'], ['retry', 'delivered']);
  for (const id of ['last', ...others]) expectSleeps('leaving', id, [60]);
  expect(['last', ...others].map((id) => receiptsOf(world(), 'leaving', id).length)).toEqual([2, 1, 1]);
  expect(await deadLettersOf(world(), 'leaving')).toEqual([]);
});
