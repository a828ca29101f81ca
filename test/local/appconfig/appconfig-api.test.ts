import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  GetEnvironmentCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  ListHostedConfigurationVersionsCommand,
  StartDeploymentCommand,
  StopDeploymentCommand,
  UpdateEnvironmentCommand,
} from '@aws-sdk/client-appconfig';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { clientOptions } from '../../support/client-options.ts';

const ids = { ApplicationId: 'app', ConfigurationProfileId: 'free' };
const environment = { ApplicationId: 'app', EnvironmentId: 'env' };
const schema = JSON.stringify({
  $schema: 'http://json-schema.org/draft-04/schema#',
  type: 'object',
  required: ['limit'],
  properties: { limit: { type: 'integer', minimum: 1 }, unit: { type: 'string' } },
});

let nowMs: number;
let plane: ControlPlane;
let client: AppConfigClient;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  plane = await startControlPlane({ now: () => nowMs });
  plane.appConfig.defineProfile('app', 'free', 'AWS.Freeform', [schema]);
  plane.appConfig.store.defineEnvironment('app', 'env');
  plane.appConfig.store.defineStrategy('slow123', { FinalBakeTimeInMinutes: 20, GrowthFactor: 100 });
  client = new AppConfigClient(clientOptions(plane.endpoint));
});
afterEach(async () => {
  client.destroy();
  await plane.close();
});

const create = (content: string, more = {}) =>
  client.send(
    new CreateHostedConfigurationVersionCommand({
      ...ids,
      Content: Buffer.from(content),
      ContentType: 'application/json',
      ...more,
    }),
  );
const list = (more = {}) => client.send(new ListHostedConfigurationVersionsCommand({ ...ids, ...more }));
const start = (more = {}) =>
  client.send(
    new StartDeploymentCommand({
      ...environment,
      ConfigurationProfileId: 'free',
      ConfigurationVersion: '1',
      DeploymentStrategyId: 'slow123',
      ...more,
    }),
  );
const stop = (DeploymentNumber: number, AllowRevert?: boolean) =>
  client.send(new StopDeploymentCommand({ ...environment, DeploymentNumber, AllowRevert }));
const deployments = (more = {}) => client.send(new ListDeploymentsCommand({ ...environment, ...more }));

/** What a function gets that asks for the first time. */
function polled(): string {
  return polledVersion().content;
}

function polledVersion() {
  const { appConfig } = plane;
  const token = appConfig.startSession({
    ApplicationIdentifier: 'app',
    EnvironmentIdentifier: 'env',
    ConfigurationProfileIdentifier: 'free',
  });
  return appConfig.getLatest(token);
}

describe('hosted versions', () => {
  test('are counted, and read back as they were written', async () => {
    const first = await create('{"limit": 1}', { Description: 'first', VersionLabel: 'v-one' });
    expect(first).toMatchObject({ ...ids, VersionNumber: 1, Description: 'first', VersionLabel: 'v-one' });
    expect((await create('{"limit": 2, "unit": "Stück"}')).VersionNumber).toBe(2);

    const { Content, ...read } = await client.send(
      new GetHostedConfigurationVersionCommand({ ...ids, VersionNumber: 2 }),
    );
    expect(read).toMatchObject({ ...ids, VersionNumber: 2, ContentType: 'application/json' });
    expect(Buffer.from(Content ?? []).toString()).toBe('{"limit": 2, "unit": "Stück"}');
  });

  test('are listed newest first, in pages', async () => {
    for (const limit of [1, 2, 3]) await create(JSON.stringify({ limit }), { VersionLabel: `v-${limit}` });
    const { Items, NextToken } = await list({ MaxResults: 2 });
    expect(Items?.map(({ VersionNumber }) => VersionNumber)).toEqual([3, 2]);
    const rest = await list({ MaxResults: 2, NextToken });
    expect(rest.Items).toEqual([{ ...ids, VersionNumber: 1, ContentType: 'application/json', VersionLabel: 'v-1' }]);
    expect(rest.NextToken).toBeUndefined();
    expect((await list({ VersionLabel: 'v-2' })).Items).toHaveLength(1);
  });

  test('a concurrent version: a conflict, and nothing is written', async () => {
    await create('{"limit": 1}', { LatestVersionNumber: 0 });
    await create('{"limit": 2}', { LatestVersionNumber: 1 });
    await expect(create('{"limit": 3}', { LatestVersionNumber: 1 })).rejects.toMatchObject({
      name: 'ConflictException',
      $metadata: { httpStatusCode: 409 },
    });
    expect((await list()).Items).toHaveLength(2);
  });

  test('the validator refuses in its own words, and nothing is written', async () => {
    await expect(create('{"limit": 0, "unit": 5}')).rejects.toMatchObject({
      name: 'BadRequestException',
      message: '/limit must be >= 1; /unit must be string',
      Reason: 'InvalidConfiguration',
      Details: { InvalidConfiguration: [{ Reason: '/limit must be >= 1' }, { Reason: '/unit must be string' }] },
    });
    expect((await list()).Items).toEqual([]);
  });

  test.each([
    ['a version', () => client.send(new GetHostedConfigurationVersionCommand({ ...ids, VersionNumber: 9 }))],
    ['a profile', () => create('{}', { ConfigurationProfileId: 'none' })],
  ])('%s that is not there', async (_, ask) => {
    await expect(ask()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('deployments', () => {
  beforeEach(() => create('{"limit": 1}'));

  test('are complete at once, and reach those who poll', async () => {
    const deployment = {
      DeploymentNumber: 1,
      ConfigurationVersion: '1',
      State: 'COMPLETE',
      PercentageComplete: 100,
      FinalBakeTimeInMinutes: 20,
      StartedAt: new Date(nowMs),
      CompletedAt: new Date(nowMs),
    };
    const described = { ...deployment, ...environment, ConfigurationProfileId: 'free', Description: 'because' };
    expect(await start({ Description: 'because' })).toMatchObject(described);
    expect(await client.send(new GetDeploymentCommand({ ...environment, DeploymentNumber: 1 }))).toMatchObject(
      described,
    );
    expect((await deployments()).Items).toMatchObject([deployment]);
    expect(polled()).toBe('{"limit": 1}');
  });

  test('and those of the local platform’s own are one history, newest first', async () => {
    plane.appConfig.deploy('app', 'env', 'free', '{"limit": 2}');
    await start();
    const { Items } = await deployments();
    expect(Items?.map(({ ConfigurationVersion }) => ConfigurationVersion)).toEqual(['1', '2']);
    expect(polled()).toBe('{"limit": 1}');
    expect((await create('{"limit": 3}')).VersionNumber).toBe(3);
  });

  test('one that bakes reaches everybody, and keeps the environment from any other', async () => {
    plane.appConfig.setBakeSeconds(60);
    const baking = await start();
    expect(baking).toMatchObject({ State: 'BAKING' });
    expect(baking.CompletedAt).toBeUndefined();
    expect(polled()).toBe('{"limit": 1}');
    const conflict = { name: 'ConflictException', $metadata: { httpStatusCode: 409 } };
    await expect(start()).rejects.toMatchObject(conflict);
    nowMs += 59_999;
    await expect(start()).rejects.toMatchObject(conflict);
    nowMs += 1;
    expect(await start()).toMatchObject({ DeploymentNumber: 2 });
    expect((await deployments()).Items?.map(({ State }) => State)).toEqual(['BAKING', 'COMPLETE']);
  });

  test('one whose strategy bakes for no time is complete at once', async () => {
    plane.appConfig.setBakeSeconds(60);
    plane.appConfig.store.defineStrategy('at-once', { FinalBakeTimeInMinutes: 0 });
    expect(await start({ DeploymentStrategyId: 'at-once' })).toMatchObject({ State: 'COMPLETE' });
  });

  test('a concurrent deployment: a conflict', async () => {
    await start({ LatestDeploymentNumber: 0 });
    await expect(start({ LatestDeploymentNumber: 0 })).rejects.toMatchObject({ name: 'ConflictException' });
  });

  test.each([
    ['version', { ConfigurationVersion: '2' }],
    ['profile', { ConfigurationProfileId: 'none' }],
    ['environment', { EnvironmentId: 'none' }],
    ['strategy', { DeploymentStrategyId: 'none' }],
  ])('of a %s that is not there', async (_, wrong) => {
    await expect(start(wrong)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404 },
    });
  });
});

describe('an alarm of the environment', () => {
  const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:harm';
  const setAlarm = (isInAlarm: boolean, arn = ALARM) => plane.appConfig.store.setAlarm(arn, isInAlarm);
  const watch = (...arns: readonly string[]) =>
    client.send(new UpdateEnvironmentCommand({ ...environment, Monitors: arns.map((AlarmArn) => ({ AlarmArn })) }));
  const states = async () => (await deployments()).Items?.map(({ State }) => State);

  beforeEach(async () => {
    await create('{"limit": 1}');
    await create('{"limit": 2}');
    await start();
    plane.appConfig.setBakeSeconds(60);
    await watch(ALARM);
  });

  test('is one of its monitors, as long as they name it', async () => {
    const monitors = async () => (await client.send(new GetEnvironmentCommand(environment))).Monitors;
    expect(await monitors()).toEqual([{ AlarmArn: ALARM }]);
    await watch();
    expect(await monitors()).toEqual([]);
  });

  test('rolls back what bakes, and the event log says which', async () => {
    await start({ ConfigurationVersion: '2' });
    setAlarm(true);
    const { State, EventLog } = await client.send(new GetDeploymentCommand({ ...environment, DeploymentNumber: 2 }));
    expect(State).toBe('ROLLED_BACK');
    expect(EventLog).toMatchObject([{ EventType: 'ROLLBACK_COMPLETED', TriggeredBy: 'CLOUDWATCH_ALARM' }]);
    expect(EventLog?.[0]?.Description).toContain(ALARM);
    expect(polled()).toBe('{"limit": 1}');
  });

  test('rolls back deployments that start while it is in ALARM, and none when it is OK or not monitored', async () => {
    setAlarm(true);
    await start({ ConfigurationVersion: '2' });
    expect(await states()).toEqual(['ROLLED_BACK', 'COMPLETE']);
    await watch();
    await start({ ConfigurationVersion: '2' });
    nowMs += 60_000;
    await watch(ALARM);
    expect((await states())?.[0]).toBe('COMPLETE');
    setAlarm(false);
    await start({ ConfigurationVersion: '1' });
    expect((await states())?.[0]).toBe('BAKING');
  });

  test('says nothing of what has baked, nor of another environment’s', async () => {
    await start({ ConfigurationVersion: '2' });
    setAlarm(true, 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:other');
    expect((await states())?.[0]).toBe('BAKING');
    nowMs += 60_000;
    setAlarm(true);
    expect((await states())?.[0]).toBe('COMPLETE');
  });
});

test('functions hear a version’s label, and nothing where it has none', async () => {
  await create('{"limit": 1}');
  await start();
  expect(polledVersion().versionLabel).toBeUndefined();
  nowMs += 30 * 60_000;
  await create('{"limit": 2}', { VersionLabel: 'pilot-2' });
  await start({ ConfigurationVersion: 'pilot-2' });
  expect(polledVersion()).toMatchObject({ content: '{"limit": 2}', versionLabel: 'pilot-2' });
});

describe('taking a deployment back', () => {
  const refused = { name: 'BadRequestException', $metadata: { httpStatusCode: 400 } };

  beforeEach(async () => {
    await create('{"limit": 1}');
    await create('{"limit": 2}');
    await start();
  });

  test('one that bakes: rolled back, those who poll get the one before', async () => {
    plane.appConfig.setBakeSeconds(60);
    await start({ ConfigurationVersion: '2' });
    expect(await stop(2, true)).toMatchObject({ DeploymentNumber: 2, State: 'ROLLED_BACK', ...environment });
    expect((await deployments()).Items?.map(({ State }) => State)).toEqual(['ROLLED_BACK', 'COMPLETE']);
    expect(polled()).toBe('{"limit": 1}');
    expect(await start({ ConfigurationVersion: '2' })).toMatchObject({ DeploymentNumber: 3 });
  });

  test('one that has ended: reverted, those who have polled get the one before too', async () => {
    await start({ ConfigurationVersion: '2' });
    const { appConfig } = plane;
    const token = appConfig.startSession({
      ApplicationIdentifier: 'app',
      EnvironmentIdentifier: 'env',
      ConfigurationProfileIdentifier: 'free',
    });
    const { nextToken } = appConfig.getLatest(token);
    expect(await stop(2, true)).toMatchObject({ State: 'REVERTED' });
    nowMs += 60_000;
    expect(appConfig.getLatest(nextToken)).toMatchObject({ content: '{"limit": 1}' });
  });

  test('takes its time, in which the environment takes no other', async () => {
    plane.appConfig.setRollbackSeconds(5);
    await start({ ConfigurationVersion: '2' });
    expect(await stop(2, true)).toMatchObject({ State: 'ROLLING_BACK' });
    await expect(start()).rejects.toMatchObject({ name: 'ConflictException' });
    nowMs += 5_000;
    await start();
    expect((await deployments()).Items?.map(({ State }) => State)).toEqual(['COMPLETE', 'REVERTED', 'COMPLETE']);
  });

  test('one that has ended, where reverting was not allowed', async () => {
    await start({ ConfigurationVersion: '2' });
    await expect(stop(2)).rejects.toMatchObject(refused);
    expect(polled()).toBe('{"limit": 2}');
  });

  test('one that has ended more than 72 hours ago', async () => {
    await start({ ConfigurationVersion: '2' });
    nowMs += 72 * 3_600_000 + 1;
    await expect(stop(2, true)).rejects.toMatchObject(refused);
  });

  test('one that is taken back already, or was the first', async () => {
    await start({ ConfigurationVersion: '2' });
    await stop(2, true);
    await expect(stop(2, true)).rejects.toMatchObject(refused);
    await expect(stop(1, true)).rejects.toMatchObject(refused);
    expect(polled()).toBe('{"limit": 1}');
  });

  test('one that is not there', async () => {
    await expect(stop(9, true)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

test('down: 503 to operators as well', async () => {
  plane.appConfig.setDown(true);
  await expect(list()).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
});
