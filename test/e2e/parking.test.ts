import { beforeAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { until } from '../support/assembly.ts';
import { deadLettersOf, linesOf, publishTo, receiptsOf, redeploy, runningWorld } from './running-world.ts';

const world = runningWorld({
  // A parked event sleeps a minute at first, and for an hour in all.
  timeScale: 60,
  partners: {
    skillsoft: { answers: 200 },
    resting: { answers: 200, entry: { paused: true } },
    leaving: { answers: 410 },
  },
});
// Before any function has read the integrations: everything is paused.
beforeAll(() => redeploy(world(), {}, { paused: true }));

const parked = (integrationId: string, eventId: string) =>
  until(() => linesOf(world(), 'delivery.parked', integrationId, eventId).at(-1)?.reason, 30_000);
const arrived = (integrationId: string, eventId: string) =>
  until(() => linesOf(world(), 'delivery.attempted', integrationId, eventId)[0], 40_000);

/** What the workflow still carries. */
function carried(integrationId: string, eventId: string) {
  return world().platform.stateMachine.executionsNamed(webhookId(integrationId, eventId))[0];
}

test('paused, all or one: events sleep in the workflow unsent, and go out when they are resumed', async () => {
  await publishTo(world(), 'skillsoft', ['in-the-pause']);
  await publishTo(world(), 'resting', ['rested-1', 'rested-2']);
  expect(await parked('skillsoft', 'in-the-pause')).toBe('parked: all integrations are paused');
  expect(await parked('resting', 'rested-1')).toBe('parked: all integrations are paused');
  await until(() => carried('skillsoft', 'in-the-pause')?.status === 'RUNNING');
  expect(world().partner.receipts).toEqual([]);

  redeploy(world(), {}, { paused: false });
  expect(await arrived('skillsoft', 'in-the-pause')).toMatchObject({ outcome: 'delivered', attempt: 1 });
  await publishTo(world(), 'resting', ['rested-3']);
  expect(await parked('resting', 'rested-3')).toBe('parked: integration resting is paused');
  expect(world().partner.receipts.filter(({ integration_id }) => integration_id === 'resting')).toEqual([]);

  redeploy(world(), { resting: { paused: false } });
  for (const id of ['rested-1', 'rested-2', 'rested-3']) {
    expect(await arrived('resting', id)).toMatchObject({ outcome: 'delivered', attempt: 1 });
    expect(receiptsOf(world(), 'resting', id)).toHaveLength(1);
  }
  expect(await deadLettersOf(world(), 'resting')).toEqual([]);
}, 120_000);

test('410: later events of that integration are parked without a request, until it is resumed', async () => {
  const others = ['after-it-left-1', 'after-it-left-2'];
  redeploy(world(), {});
  await publishTo(world(), 'leaving', ['last']);
  expect(await parked('leaving', 'last')).toBe('parked: HTTP 410, the endpoint is gone');
  // By then the gate knows.
  await until(() => carried('leaving', 'last') !== undefined);
  await publishTo(world(), 'leaving', others);
  for (const id of others) expect(await parked('leaving', id)).toBe('parked: integration leaving is gone');
  expect(others.flatMap((id) => receiptsOf(world(), 'leaving', id))).toEqual([]);

  world().partner.setBehaviour('/leaving', 200);
  redeploy(world(), { leaving: { resumed_at: new Date().toISOString() } });
  for (const id of ['last', ...others]) {
    await until(() => linesOf(world(), 'delivery.attempted', 'leaving', id).some(isDelivered), 40_000);
  }
  expect(others.map((id) => receiptsOf(world(), 'leaving', id).length)).toEqual([1, 1]);
  expect(await deadLettersOf(world(), 'leaving')).toEqual([]);
}, 120_000);

function isDelivered({ outcome }: { readonly outcome?: unknown }): boolean {
  return outcome === 'delivered';
}
