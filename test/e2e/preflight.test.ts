import { afterAll, expect, test } from '@jest/globals';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { startPartner } from '../support/partner-server.ts';
import { runCommand, runningSession } from './running-session.ts';

const silent = await startPartner((to) => to.end());
afterAll(() => silent.close());

const session = runningSession({
  partners: { skillsoft: { answers: 200 }, quiet: { answers: 200, entry: { url: `${silent.url}/hooks` } } },
});

/** What a preflight of the running platform prints. */
const lines = async () => (await runCommand(session(), ['preflight'])).lines;

test('all checks that the local platform supports are yes for the synthesized stack, without a request to partners', async () => {
  const answers = (await lines()).filter((line) => /^(yes|no|\?) /.test(line));
  // Whether an alarm reaches anybody is a matter of who deploys.
  const ours = answers.filter((line) => !line.includes('alarm subscriptions'));
  expect(answers.length - ours.length).toBe(1);
  expect(ours.filter((line) => !line.startsWith('yes'))).toEqual([]);
  expect(ours.map((line) => line.slice(5).replace(/ {2}.*/, ''))).toEqual([
    'secret of Snowflake',
    'integrations',
    'secrets of integrations',
    'endpoints, from here',
    'egress addresses',
    'alarm notifications',
    'readers of the queues',
    'concurrency of Lambda',
    'flag',
    'dead letters of events',
    'dead letters of deliveries',
    'dead letters of outcomes',
    'dead letters of rescue',
    'dead letters of reconciler',
  ]);
  expect(silent.connections).toHaveLength(1);
  expect([...silent.received, ...session().partner.receipts]).toEqual([]);
});

test('reports a dead-letter message, an empty secret and an enabled flag', async () => {
  session().switchFlag(true);
  session().platform.secrets.remove('/local/snowflake');
  await session().publish(['not JSON']);
  await awaitQuiet(session());
  const told = await lines();
  expect(told).toContainEqual(expect.stringMatching(/^no +dead letters of events +1 message$/));
  expect(told).toContainEqual(expect.stringMatching(/^no +secret of Snowflake +has no value yet$/));
  expect(told).toContainEqual(expect.stringMatching(/^yes +flag +version \d+ fits; it is on, for 100 %/));
});
