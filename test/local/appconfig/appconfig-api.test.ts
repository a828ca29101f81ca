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
  properties: { limit: { type: 'integer', minimum: 1 }, unit: { type: 'string' } },
});
const conflict = { name: 'ConflictException', $metadata: { httpStatusCode: 409 } };
const notFound = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } };

let nowMs: number;
let plane: ControlPlane;
let client: AppConfigClient;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  plane = await startControlPlane({ now: () => nowMs });
  plane.appConfig.defineProfile('app', 'free', 'AWS.Freeform', [schema]);
  plane.appConfig.store.defineEnvironment('app', 'env');
  plane.appConfig.store.defineStrategy('slow', { FinalBakeTimeInMinutes: 20, GrowthFactor: 100 });
  plane.appConfig.store.defineStrategy('at-once', { FinalBakeTimeInMinutes: 0 });
  client = new AppConfigClient(clientOptions(plane.endpoint));
});
afterEach(async () => {
  client.destroy();
  await plane.close();
});

const create = (content: string, more = {}) => {
  const version = { ...ids, Content: Buffer.from(content), ContentType: 'application/json', ...more };
  return client.send(new CreateHostedConfigurationVersionCommand(version));
};
const list = (more = {}) => client.send(new ListHostedConfigurationVersionsCommand({ ...ids, ...more }));
const start = (ConfigurationVersion: string, more = {}) => {
  const deployment = { ...environment, ConfigurationProfileId: 'free', DeploymentStrategyId: 'slow', ...more };
  return client.send(new StartDeploymentCommand({ ...deployment, ConfigurationVersion }));
};
const stop = (DeploymentNumber: number, AllowRevert = true) =>
  client.send(new StopDeploymentCommand({ ...environment, DeploymentNumber, AllowRevert }));
const get = (DeploymentNumber: number) => client.send(new GetDeploymentCommand({ ...environment, DeploymentNumber }));
const states = async () =>
  (await client.send(new ListDeploymentsCommand(environment))).Items?.map(({ State }) => State);

/** What a function gets in its first poll. */
function polled() {
  const { appConfig } = plane;
  const token = appConfig.startSession({
    ApplicationIdentifier: 'app',
    EnvironmentIdentifier: 'env',
    ConfigurationProfileIdentifier: 'free',
  });
  return appConfig.getLatest(token);
}

describe('hosted versions', () => {
  test('are counted, read back as they were written, and listed newest first in pages', async () => {
    await create('{"limit": 1}', { Description: 'first' });
    const labelled = await create('{"limit": 2, "unit": "Stück"}', { VersionLabel: 'v-2' });
    expect(labelled).toMatchObject({ ...ids, VersionNumber: 2, VersionLabel: 'v-2' });
    const { Content, ...read } = await client.send(
      new GetHostedConfigurationVersionCommand({ ...ids, VersionNumber: 2 }),
    );
    expect(read).toMatchObject({ ...ids, VersionNumber: 2, ContentType: 'application/json' });
    expect(Buffer.from(Content ?? []).toString()).toBe('{"limit": 2, "unit": "Stück"}');

    const { Items, NextToken } = await list({ MaxResults: 1 });
    expect(Items).toMatchObject([{ VersionNumber: 2, VersionLabel: 'v-2' }]);
    const rest = await list({ MaxResults: 1, NextToken });
    expect(rest.Items).toMatchObject([{ ...ids, VersionNumber: 1, Description: 'first' }]);
    expect(rest.NextToken).toBeUndefined();
  });

  test('are refused after a concurrent one, and by the validator with its reasons; nothing is written then', async () => {
    await create('{"limit": 1}', { LatestVersionNumber: 0 });
    await expect(create('{"limit": 2}', { LatestVersionNumber: 0 })).rejects.toMatchObject(conflict);
    await expect(create('{"limit": 0, "unit": 5}')).rejects.toMatchObject({
      name: 'BadRequestException',
      message: '/limit must be >= 1; /unit must be string',
      Reason: 'InvalidConfiguration',
      Details: { InvalidConfiguration: [{ Reason: '/limit must be >= 1' }, { Reason: '/unit must be string' }] },
    });
    expect((await list()).Items).toHaveLength(1);
  });
});

describe('deployments', () => {
  beforeEach(async () => {
    await create('{"limit": 1}');
    await create('{"limit": 2}', { VersionLabel: 'pilot-2' });
  });

  test('are complete at once, and reach functions with their label', async () => {
    const described = {
      ...{ ...environment, ConfigurationProfileId: 'free', DeploymentNumber: 1, ConfigurationVersion: '1' },
      ...{ State: 'COMPLETE', PercentageComplete: 100, FinalBakeTimeInMinutes: 20, Description: 'because' },
      ...{ StartedAt: new Date(nowMs), CompletedAt: new Date(nowMs) },
    };
    expect(await start('1', { Description: 'because' })).toMatchObject(described);
    expect(await get(1)).toMatchObject(described);
    expect(polled()).toMatchObject({ content: '{"limit": 1}', versionLabel: undefined });
    await start('pilot-2');
    expect(polled()).toMatchObject({ content: '{"limit": 2}', versionLabel: 'pilot-2' });
  });

  test('that bake reach functions, and keep the environment from any other; without a bake time they do not', async () => {
    plane.appConfig.setBakeSeconds(60);
    const baking = await start('1');
    expect(baking).toMatchObject({ State: 'BAKING' });
    expect(baking.CompletedAt).toBeUndefined();
    expect(polled().content).toBe('{"limit": 1}');
    nowMs += 59_999;
    await expect(start('2')).rejects.toMatchObject(conflict);
    nowMs += 1;
    expect(await start('2', { DeploymentStrategyId: 'at-once' })).toMatchObject({ State: 'COMPLETE' });
    expect(await states()).toEqual(['COMPLETE', 'COMPLETE']);
  });

  test('are refused after a concurrent one, and for what does not exist', async () => {
    await start('1', { LatestDeploymentNumber: 0 });
    await expect(start('2', { LatestDeploymentNumber: 0 })).rejects.toMatchObject(conflict);
    await expect(start('3')).rejects.toMatchObject(notFound);
    for (const id of ['ConfigurationProfileId', 'EnvironmentId', 'DeploymentStrategyId']) {
      await expect(start('1', { [id]: 'none' })).rejects.toMatchObject(notFound);
    }
    await expect(get(9)).rejects.toMatchObject(notFound);
  });
});

describe('an alarm of the environment', () => {
  const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:harm';
  const setAlarm = (isInAlarm: boolean, arn = ALARM) => plane.appConfig.store.setAlarm(arn, isInAlarm);
  const watch = (...arns: readonly string[]) =>
    client.send(new UpdateEnvironmentCommand({ ...environment, Monitors: arns.map((AlarmArn) => ({ AlarmArn })) }));

  beforeEach(async () => {
    await create('{"limit": 1}');
    await create('{"limit": 2}');
    await start('1');
    plane.appConfig.setBakeSeconds(60);
    await watch(ALARM);
    expect((await client.send(new GetEnvironmentCommand(environment))).Monitors).toEqual([{ AlarmArn: ALARM }]);
  });

  test('rolls back a deployment that bakes, and the event log names it', async () => {
    await start('2');
    setAlarm(true, `${ALARM}-other`);
    expect(await states()).toEqual(['BAKING', 'COMPLETE']);
    setAlarm(true);
    const { State, EventLog } = await get(2);
    expect(State).toBe('ROLLED_BACK');
    expect(EventLog).toMatchObject([{ EventType: 'ROLLBACK_COMPLETED', TriggeredBy: 'CLOUDWATCH_ALARM' }]);
    expect(EventLog?.[0]?.Description).toContain(ALARM);
    expect(polled().content).toBe('{"limit": 1}');
  });

  test('rolls back deployments that start in ALARM, but none that has ended, or when it is OK or not monitored', async () => {
    setAlarm(true);
    await start('2');
    expect(await states()).toEqual(['ROLLED_BACK', 'COMPLETE']);
    await watch();
    await start('2');
    nowMs += 60_000;
    await watch(ALARM);
    setAlarm(true);
    expect((await states())?.[0]).toBe('COMPLETE');
    setAlarm(false);
    await start('1');
    expect((await states())?.[0]).toBe('BAKING');
  });
});

describe('StopDeployment', () => {
  const refused = { name: 'BadRequestException', $metadata: { httpStatusCode: 400 } };

  beforeEach(async () => {
    await create('{"limit": 1}');
    await create('{"limit": 2}');
    await start('1');
  });

  test('rolls back a deployment that bakes, and reverts one that has ended', async () => {
    plane.appConfig.setBakeSeconds(60);
    await start('2');
    expect(await stop(2)).toMatchObject({ DeploymentNumber: 2, State: 'ROLLED_BACK', ...environment });
    expect(polled().content).toBe('{"limit": 1}');
    await start('2');
    nowMs += 60_000;
    const { nextToken } = polled();
    expect(await stop(3)).toMatchObject({ State: 'REVERTED' });
    nowMs += 60_000;
    expect(plane.appConfig.getLatest(nextToken)).toMatchObject({ content: '{"limit": 1}' });
  });

  test('takes its time, in which the environment accepts no other deployment', async () => {
    plane.appConfig.setRollbackSeconds(5);
    await start('2');
    expect(await stop(2)).toMatchObject({ State: 'ROLLING_BACK' });
    await expect(start('2')).rejects.toMatchObject(conflict);
    nowMs += 5_000;
    await start('2');
    expect(await states()).toEqual(['COMPLETE', 'REVERTED', 'COMPLETE']);
  });

  test('is refused without AllowRevert, after 72 hours, twice, and for the first deployment', async () => {
    await start('2');
    await expect(stop(2, false)).rejects.toMatchObject(refused);
    await expect(stop(1)).rejects.toMatchObject(refused);
    nowMs += 72 * 3_600_000 + 1;
    await expect(stop(2)).rejects.toMatchObject(refused);
    expect(polled().content).toBe('{"limit": 2}');
    nowMs -= 1;
    await stop(2);
    await expect(stop(2)).rejects.toMatchObject(refused);
    await expect(stop(9)).rejects.toMatchObject(notFound);
  });
});

test('down: 503 to operators as well', async () => {
  plane.appConfig.setDown(true);
  await expect(list()).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
});
