import { afterAll, expect, test } from '@jest/globals';
import { completion, lead } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { startPartner } from '../support/partner-server.ts';
import { learningTimeOf, publishTo, receiptsOf, runCommand, runningSession } from './running-session.ts';

/** Longest period of these alarms, in milliseconds. */
const HOUR_MS = 60 * 60_000;
const QUARTER_MS = 15 * 60_000;

/** Counts connections and requests. */
const silent = await startPartner((to) => to.end());
afterAll(() => silent.close());

const session = runningSession({
  flag: 'on',
  partners: {
    skillsoft: { behaviour: 200 },
    'partner-refusing': { behaviour: 400 },
    silent: { behaviour: 200, entry: { url: `${silent.url}/hooks` } },
  },
});

/** `./ltw alarms` against the running platform: which are in ALARM. */
async function inAlarm(): Promise<readonly string[]> {
  const { status, lines } = await runCommand(session(), ['alarms']);
  const names = lines.flatMap((line) => /^([a-z-]+) +ALARM /.exec(line)?.[1] ?? []);
  expect(status).toBe(names.length === 0 ? 0 : 1);
  return names;
}

test('a quiet stage has no alarm: not for a credential whose age was never published either', async () => {
  expect(await inAlarm()).toEqual([]);
});

test('a quiet stage passes each check of a preflight that the platform supports, without a request to partners', async () => {
  const { lines } = await runCommand(session(), ['preflight']);
  const answers = lines.filter((line) => /^(yes|no|\?) /.test(line));
  // Subscriptions to alarms are made by the operator who deploys.
  const ours = answers.filter((line) => !line.includes('alarm subscriptions'));
  expect(answers.length - ours.length).toBe(1);
  expect(ours.filter((line) => !line.startsWith('yes'))).toEqual([]);
  expect(ours.length).toBeGreaterThan(10);
  expect(silent.connections).toHaveLength(1);
  expect([...silent.received, ...session().partner.receipts]).toEqual([]);
});

test('a hot lead that is refused pages by itself', async () => {
  const hot = lead('hot', 'partner-refusing', 4711, 'hot', new Date().toISOString());
  await session().publish([JSON.stringify(hot)]);
  await awaitQuiet(session());
  expect(await inAlarm()).toEqual(['page-critical', 'critical-dead', 'dead-deliveries']);
});

test('the log of a function is read as in CloudWatch Logs', async () => {
  const { status, lines } = await runCommand(session(), ['logs', 'DeliverBatch']);
  expect(status).toBe(0);
  expect(lines.filter((line) => line.includes('"delivery.attempted"'))).toHaveLength(1);
});

test('partners refuse: the page of partners, its alarm, and the notices around it', async () => {
  await session().skip(HOUR_MS);
  expect(await inAlarm()).toEqual(['dead-deliveries']);
  await publishTo(
    session(),
    'partner-refusing',
    Array.from({ length: 12 }, (_, index) => `refused-${index}`),
  );
  await awaitQuiet(session());
  expect(await inAlarm()).toEqual([
    'page-partners',
    'dead-deliveries',
    'errors-of-an-hour',
    'failed-attempts',
    'failed-attempts-warning',
    'recovering',
  ]);
});

test('the status: the same alarms, and every part can be read', async () => {
  const { status, lines } = await runCommand(session(), ['status', '--json']);
  expect(status).toBe(1);
  const read = JSON.parse(lines.join(''));
  expect(read.alarms.in_alarm.map(({ name }: { name: string }) => name)).toEqual(await inAlarm());
  expect(read).toMatchObject({
    flag: { enabled: true, deployment_state: 'COMPLETE' },
    warehouse: { circuit_breaker: 'closed' },
    queues: [{ queue: 'events' }, { queue: 'deliveries' }, {}, { queue: 'deliveries dead-letter queue', waiting: 13 }],
    reconciler: { is_balanced: true, unbalanced: 0 },
  });
  expect(read.integrations).toContainEqual(
    expect.objectContaining({
      id: 'partner-refusing',
      state: 'active',
      success_rate: 0,
      last_response: 'HTTP 400',
    }),
  );
});

test('Snowflake refuses: each event is delivered once without learning time; the page of the warehouse, and no other', async () => {
  await session().skip(HOUR_MS);
  session().warehouse.setMode('refuse');
  const events = Array.from({ length: 20 }, (_, index) =>
    JSON.stringify(completion(`sick-${index}`, 'skillsoft', 40_000 + index)),
  );
  await session().publish(events);
  await awaitQuiet(session());
  const receipts = events.flatMap((_, index) => receiptsOf(session(), 'skillsoft', `sick-${index}`));
  expect(receipts.map(learningTimeOf)).toEqual(events.map(() => undefined));
  expect(await inAlarm()).toEqual(['page-warehouse', 'dead-deliveries', 'fallbacks', 'warehouse-failing']);
});

test('once Snowflake responds again, no page is in ALARM after a quarter of an hour', async () => {
  session().warehouse.setMode('up');
  await session().skip(QUARTER_MS);
  expect(await inAlarm()).toEqual(['dead-deliveries']);
});

test('a run of CredentialAge that fails three times is reported', async () => {
  const { secretsManager } = session().platform.controlPlane;
  secretsManager.setDown(true);
  await session().skip(6 * HOUR_MS + QUARTER_MS);
  secretsManager.setDown(false);
  expect(await inAlarm()).toEqual(['dead-deliveries', 'undelivered-events']);
});
