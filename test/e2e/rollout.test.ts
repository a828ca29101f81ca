import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { configVersion, evaluateFlag } from '../../lambdas/flag/evaluate-flag.ts';
import { FLAG_KEY, type Flag, flagSchema } from '../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import { output } from '../../local/demo/operator.ts';
import { completion, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { LOCAL_CREDENTIALS } from '../../local/sqs/queues.ts';
import { deployFlag, learningTimeOf, linesOf, logged, receiptsOf, runningSession } from './running-session.ts';

/** Published before each change of the flag, and again once functions have read it: one of each enterprise. */
const EVENTS = 40;

const session = runningSession({ partners: { skillsoft: { answers: 200 } } });

/** Enterprises at places all over the rollout, and the one of which the warehouse has learning time. */
const ENTERPRISES = [ENTERPRISE, ...Array.from({ length: 39 }, (_, index) => `enterprise-${index}`)];

/** What an operator makes of the flag, one version after the other. */
const VERSIONS: readonly Flag[] = [
  { enabled: true, pilot_enterprises: [ENTERPRISE] },
  { enabled: true, pilot_enterprises: [ENTERPRISE], rollout_percentage: 30 },
  { enabled: true, rollout_percentage: 60 },
  { enabled: false },
  { enabled: true, rollout_percentage: 100, cache_ttl_seconds: 600 },
].map((values) => flagSchema.parse(values));

/** The flag's document has no empty list. */
const written = ({ pilot_enterprises: pilots, ...flag }: Flag) => ({
  ...flag,
  ...(pilots.length > 0 && { pilot_enterprises: pilots }),
});

/** Publishes one event of each enterprise, in batches of ten, and returns the enterprises by the events' ids. */
async function publishSome(name: string, count = EVENTS): Promise<ReadonlyMap<string, string>> {
  const { platform } = session();
  const published = new Map<string, string>();
  for (let position = 0; position < count; position += 10) {
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
  }
  return published;
}

/** By which version of the flag an event was decided. */
const versionOf = (eventId: string) =>
  linesOf(session(), 'delivery.attempted', 'skillsoft', eventId)[0]?.config_version;

test('a change of the flag under traffic: each delivery matches its version of the flag', async () => {
  const seed = flagSchema.parse({ enabled: false });
  const flags = new Map([seed, ...VERSIONS].map((flag) => [configVersion(flag, undefined), flag]));
  const published = new Map<string, string>();
  const decidedAfter: unknown[] = [];
  for (const [index, flag] of VERSIONS.entries()) {
    // Under way while the flag changes: each is decided by this version or the one before.
    const before = await publishSome(`before-${index}`);
    deployFlag(session().platform, written(flag));
    await awaitQuiet(session());
    await session().skipPollInterval();
    const after = await publishSome(`after-${index}`);
    await awaitQuiet(session());
    for (const [id, enterprise] of [...before, ...after]) published.set(id, enterprise);
    decidedAfter.push([...new Set([...after.keys()].map(versionOf))]);
  }
  expect(decidedAfter).toEqual(VERSIONS.map((flag) => [configVersion(flag, undefined)]));

  const lines = new Map((await logged(session(), 'delivery.attempted')).map((line) => [line.webhook_id, line]));
  const decided = new Map<string, { on: number; off: number }>();
  for (const [id, enterprise] of published) {
    const [receipt, ...copies] = receiptsOf(session(), 'skillsoft', id);
    expect({ id, copies }).toEqual({ id, copies: [] });
    const line = lines.get(webhookId('skillsoft', id));
    const version = String(line?.config_version);
    const flag = flags.get(version);
    if (flag === undefined)
      throw new Error(`${webhookId('skillsoft', id)} was decided by ${version}, an unknown version`);
    const { isOn } = evaluateFlag(flag, enterprise);
    // The warehouse has nothing of the other enterprises: there the reason shows whether it was queried.
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
  // Not vacuous: those with pilots or a percentage decided both ways.
  expect([...decided.values()].filter(({ on, off }) => on > 0 && off > 0)).toHaveLength(3);
});

test('a change reaches running functions within their poll interval, without a new one', async () => {
  const pool = session().platform.functions.find('enrich-batch');
  const running = pool.processIds();
  const on = flagSchema.parse({ enabled: true, rollout_percentage: 100 });
  deployFlag(session().platform, written(on));
  await session().skipPollInterval();
  await publishSome('running', 10);
  await awaitQuiet(session());
  expect(versionOf('running-0')).toBe(configVersion(on, undefined));
  const id = webhookId('skillsoft', 'running-0');
  const line = pool.logs().find(({ text }) => text.includes('events.enriched') && text.includes(id));
  expect(running).toContain(line?.processId);
});

test('what the console deployed is logged by its label', async () => {
  const { platform } = session();
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
  await session().skipPollInterval();
  await publishSome('console', 10);
  await awaitQuiet(session());
  expect(versionOf('console-0')).toBe('console-37');
});
