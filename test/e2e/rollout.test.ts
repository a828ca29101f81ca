import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { FLAG_KEY, type Flag, flagSchema } from '../../lambdas/contract/flag.ts';
import { configVersion, evaluateFlag } from '../../lambdas/domain/flag.ts';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import { output } from '../../local/demo/operator.ts';
import { completion, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { LOCAL_CREDENTIALS } from '../../local/queues.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { until } from '../support/assembly.ts';
import { synthesize } from '../support/synthesized-stack.ts';
import { learningTimeOf, linesOf, logged, receiptsOf, runningWorld } from './running-world.ts';

const EVENTS_PER_SECOND = 100;
const TRICKLE_PER_SECOND = 10;

const world = runningWorld({ partners: { skillsoft: { answers: 200 } } });

/** Enterprises at places all over the rollout, and the one of which the warehouse has learning time. */
const ENTERPRISES = [ENTERPRISE, ...Array.from({ length: 39 }, (_, index) => `enterprise-${index}`)];

/** What an operator makes of the flag, one version after the other, as fast as functions notice. */
const VERSIONS: readonly Flag[] = [
  { enabled: true, pilot_enterprises: [ENTERPRISE] },
  { enabled: true, pilot_enterprises: [ENTERPRISE], rollout_percentage: 30 },
  { enabled: true, rollout_percentage: 60 },
  { enabled: false },
  { enabled: true, rollout_percentage: 100, cache_ttl_seconds: 600 },
].map((values) => flagSchema.parse(values));

function deployFlag({ pilot_enterprises: pilots, ...flag }: Flag): void {
  const { platform } = world();
  platform.appConfig.deploy(
    output(platform, 'AppConfigApplicationId'),
    output(platform, 'FlagsEnvironmentId'),
    output(platform, 'FlagsProfileId'),
    JSON.stringify({
      ...FLAG_SEED,
      values: { [FLAG_KEY]: { ...flag, ...(pilots.length > 0 && { pilot_enterprises: pilots }) } },
    }),
  );
}

/** Publishes so many events for so long, and answers their ids with the enterprise of each. */
async function publishFor(seconds: number, name: string, perSecond = EVENTS_PER_SECOND): Promise<Map<string, string>> {
  const { platform } = world();
  const published = new Map<string, string>();
  const startedAtMs = performance.now();
  for (let position = 0; position < seconds * perSecond; position += 10) {
    const Entries = Array.from({ length: 10 }, (_, entry) => {
      const id = `${name}-${position + entry}`;
      const enterprise = ENTERPRISES[(position + entry) % ENTERPRISES.length] as string;
      published.set(id, enterprise);
      const { payload, ...event } = completion(id, 'skillsoft', LEARNER.known);
      const body = { ...event, payload: { ...payload, enterprise: { enterprise_customer_uuid: enterprise } } };
      return { Id: String(entry), MessageBody: JSON.stringify(body), MessageGroupId: enterprise };
    });
    await platform.queues.client.send(
      new SendMessageBatchCommand({ QueueUrl: output(platform, 'EventsQueueUrl'), Entries }),
    );
    const dueMs = startedAtMs + ((position + 10) / perSecond) * 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
  }
  return published;
}

/** Whether a batch was decided by this version. */
async function hasDecided(flag: Flag): Promise<boolean> {
  const version = configVersion(flag, undefined);
  return (await logged(world(), 'events.enriched')).some(({ config_version }) => config_version === version);
}

test('the flag is changed while a hundred events a second flow: each webhook is as its version of the flag says', async () => {
  const seed = flagSchema.parse({ enabled: false });
  const flags = new Map([seed, ...VERSIONS].map((flag) => [configVersion(flag, undefined), flag]));
  const published = new Map<string, string>();
  for (const [index, flag] of VERSIONS.entries()) {
    deployFlag(flag);
    // On a slow machine functions are behind: a trickle goes on until one of them has read this version.
    for (let second = 0; second < 2 || !(await hasDecided(flag)); second += 1) {
      const perSecond = second < 2 ? EVENTS_PER_SECOND : TRICKLE_PER_SECOND;
      const some = await publishFor(1, `version-${index}-${second}`, perSecond);
      for (const [id, enterprise] of some) published.set(id, enterprise);
    }
  }
  await awaitQuiet(world(), 300_000);

  const lines = new Map((await logged(world(), 'delivery.attempted')).map((line) => [line.webhook_id, line]));
  const decided = new Map<string, { on: number; off: number }>();
  for (const [id, enterprise] of published) {
    const [receipt, ...copies] = receiptsOf(world(), 'skillsoft', id);
    expect({ id, copies }).toEqual({ id, copies: [] });
    const line = lines.get(webhookId('skillsoft', id));
    const version = String(line?.config_version);
    const flag = flags.get(version);
    if (flag === undefined)
      throw new Error(`${webhookId('skillsoft', id)} was decided by ${version}, which nobody made`);
    const { isOn } = evaluateFlag(flag, enterprise);
    // The warehouse has nothing of the other enterprises: there the reason tells whether it was asked.
    const expected = { isAsked: isOn, hasLearningTime: isOn && enterprise === ENTERPRISE };
    const isAsked = line?.enrichment !== 'flag_off';
    expect({ id, version, isAsked, hasLearningTime: learningTimeOf(receipt) !== undefined }).toEqual({
      ...{ id, version },
      ...expected,
    });
    const counts = decided.get(version) ?? { on: 0, off: 0 };
    counts[isOn ? 'on' : 'off'] += 1;
    decided.set(version, counts);
  }
  // Not vacuous: every version decided, and those with a percentage both ways.
  expect([...decided.keys()]).toEqual(expect.arrayContaining(VERSIONS.map((flag) => configVersion(flag, undefined))));
  expect([...decided.values()].filter(({ on, off }) => on > 0 && off > 0).length).toBeGreaterThanOrEqual(2);
}, 480_000);

test('a change reaches running functions within a minute, without a new one', async () => {
  const pool = world().platform.functions.find('enrich-batch');
  deployFlag(flagSchema.parse({ enabled: false }));
  await publishFor(0.1, 'before');
  await awaitQuiet(world(), 60_000);
  const processes = pool.processIds();
  const on = flagSchema.parse({ enabled: true, rollout_percentage: 100 });
  const deployedAtMs = Date.now();
  deployFlag(on);
  for (let round = 0; ; round += 1) {
    await publishFor(0.1, `after-${round}`);
    await awaitQuiet(world(), 60_000);
    const lines = linesOf(world(), 'delivery.attempted', 'skillsoft', `after-${round}-0`);
    if (lines[0]?.config_version === configVersion(on, undefined)) break;
    expect(Date.now() - deployedAtMs).toBeLessThan(60_000);
  }
  expect(pool.processIds().some((pid) => processes.includes(pid))).toBe(true);
}, 120_000);

test('what the console deployed is no change to the template: nothing to deploy, and nothing to reset', async () => {
  const before = synthesize('local');
  const { platform } = world();
  const client = new AppConfigClient({
    endpoint: String(platform.endpoints.AWS_ENDPOINT_URL_APPCONFIG),
    region: 'us-east-1',
    credentials: LOCAL_CREDENTIALS,
  });
  const ApplicationId = output(platform, 'AppConfigApplicationId');
  const ConfigurationProfileId = output(platform, 'FlagsProfileId');
  const values = { enabled: true, rollout_percentage: 37, cache_ttl_seconds: 120 };
  const { VersionNumber } = await client.send(
    new CreateHostedConfigurationVersionCommand({
      ...{ ApplicationId, ConfigurationProfileId, ContentType: 'application/json', VersionLabel: 'console-37' },
      Content: Buffer.from(JSON.stringify({ ...FLAG_SEED, values: { [FLAG_KEY]: values } })),
    }),
  );
  await client.send(
    new StartDeploymentCommand({
      ...{ ApplicationId, ConfigurationProfileId, EnvironmentId: output(platform, 'FlagsEnvironmentId') },
      ConfigurationVersion: String(VersionNumber),
      DeploymentStrategyId: output(platform, 'FlagsStrategyId'),
    }),
  );
  client.destroy();
  let round = 0;
  await until(async () => {
    round += 1;
    const name = `console-${round}`;
    await publishFor(0.1, name);
    await awaitQuiet(world(), 60_000);
    const [line] = linesOf(world(), 'delivery.attempted', 'skillsoft', `${name}-0`);
    return line?.config_version === 'console-37';
  }, 60_000);

  expect(synthesize('local')).toEqual(before);
}, 120_000);
