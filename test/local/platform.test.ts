import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Platform, type PlatformOptions, startPlatform } from '../../local/platform.ts';
import { REGION } from '../../local/resolver.ts';
import { LOCAL_CREDENTIALS } from '../../local/sqs/queues.ts';
import { ask } from '../../local/valkey/ask.ts';
import {
  type AssemblySource,
  lambdaFunction,
  mapping,
  queue,
  STACK,
  until,
  writeAssembly,
} from '../support/assembly.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function assembly(source: AssemblySource): string {
  const { directory, remove } = writeAssembly(source);
  cleanUps.push(remove);
  return directory;
}

async function start(source: AssemblySource, options: Partial<PlatformOptions> = {}): Promise<Platform> {
  const platform = await startPlatform({ assemblyDirectory: assembly(source), stackName: STACK, ...options });
  cleanUps.push(() => platform.stop());
  return platform;
}

const table = {
  Type: 'AWS::DynamoDB::Table',
  Properties: {
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  },
};

/** Whether a process with this id lives. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const reader = `
  const required = process.env.QUEUE_URL;
  export const handler = async () => { if (!required) throw new Error('QUEUE_URL is missing'); return required; };`;

describe('the template is what runs', () => {
  test('a reference to nothing is refused, by its place', async () => {
    const resources = { F: lambdaFunction('reader', {}, { QUEUE_URL: { Ref: 'Qeue' } }) };
    await expect(start({ modules: { reader }, resources })).rejects.toThrow(
      'F.Environment.Variables.QUEUE_URL: Ref Qeue: the template has no resource Qeue',
    );
  });

  test("queues have the template's attributes, and refuse what SQS refuses", async () => {
    const redrive = { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 7 };
    const properties = {
      VisibilityTimeout: 12,
      DelaySeconds: 3,
      MessageRetentionPeriod: 345_600,
      RedrivePolicy: redrive,
    };
    const { queues } = await start({ resources: { Q: queue(properties), Dead: queue({ QueueName: 'dead' }) } });
    const response = await fetch(`${queues.endpoint}/_fauxqs/queues/Q`);
    expect(((await response.json()) as { attributes: object }).attributes).toMatchObject({
      VisibilityTimeout: '12',
      DelaySeconds: '3',
      MessageRetentionPeriod: '345600',
      RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":7}',
    });
    await expect(start({ resources: { Q: queue({ VisibilityTimeout: 50_000 }) } })).rejects.toThrow(
      'VisibilityTimeout',
    );
  });

  test('what functions publish, and how long queues are, is asked of CloudWatch', async () => {
    const emf = {
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [{ Namespace: 'webhooks', Dimensions: [['service']], Metrics: [{ Name: 'm' }] }],
      },
      ...{ service: 's', m: 3 },
    };
    const publisher = `export const handler = async () => console.log(${JSON.stringify(JSON.stringify(emf))});`;
    const platform = await start({
      modules: { publisher },
      resources: { Q: queue(), F: lambdaFunction('publisher') },
    });
    const { endpoints, functions, queues } = platform;
    await functions.find('F').invoke({});
    await queues.send('Q', { MessageBody: 'waits' });
    const endpoint = String(endpoints.AWS_ENDPOINT_URL_CLOUDWATCH);
    const client = new CloudWatchClient({ endpoint, region: REGION, credentials: LOCAL_CREDENTIALS });
    cleanUps.push(() => client.destroy());
    const query = (
      Id: string,
      Namespace: string,
      MetricName: string,
      [Name, Value]: [string, string],
      Stat: string,
    ) => {
      const Metric = { Namespace, MetricName, Dimensions: [{ Name, Value }] };
      return { Id, MetricStat: { Metric, Period: 60, Stat } };
    };
    const asked = new GetMetricDataCommand({
      MetricDataQueries: [
        query('m', 'webhooks', 'm', ['service', 's'], 'Sum'),
        query('q', 'AWS/SQS', 'ApproximateNumberOfMessagesVisible', ['QueueName', 'Q'], 'Maximum'),
      ],
      StartTime: new Date(Date.now() - 60_000),
      EndTime: new Date(Date.now() + 60_000),
    });
    const values = async () => {
      const { MetricDataResults = [] } = await client.send(asked);
      return MetricDataResults.map(({ Values }) => Values?.[0]);
    };
    await platform.skip(0);
    expect(await values()).toEqual([3, 1]);
  });

  test('without a table there is no DynamoDB', async () => {
    const platform = await start({ resources: { Q: queue() } });
    expect(() => platform.tables).toThrow('the template has no table');
    expect(platform.endpoints).not.toHaveProperty('AWS_ENDPOINT_URL_DYNAMODB');
  });

  test('a table that cannot run here ends everything', async () => {
    const Ledger = { ...table, Properties: { ...table.Properties, StreamSpecification: {} } };
    await expect(start({ resources: { Ledger } })).rejects.toThrow('Ledger: StreamSpecification');
  });

  test('a message may hold characters beyond the basic plane', async () => {
    const { queues } = await start({ resources: { Q: queue() } });
    await queues.send('Q', { MessageBody: '{"course":"😀 Übung"}' });
    expect((await queues.content('Q')).ready[0]?.body).toBe('{"course":"😀 Übung"}');
  });

  test('configuration, secrets and the cache are where the template says', async () => {
    const application = { Ref: 'Application' };
    const flags = JSON.stringify({ version: '1', flags: { on: { name: 'on' } }, values: { on: { enabled: true } } });
    const platform = await start({
      resources: {
        Application: { Type: 'AWS::AppConfig::Application', Properties: { Name: 'a' } },
        Environment: { Type: 'AWS::AppConfig::Environment', Properties: { ApplicationId: application } },
        Profile: {
          Type: 'AWS::AppConfig::ConfigurationProfile',
          Properties: { ApplicationId: application, Type: 'AWS.AppConfig.FeatureFlags' },
        },
        Version: {
          Type: 'AWS::AppConfig::HostedConfigurationVersion',
          Properties: { ApplicationId: application, ConfigurationProfileId: { Ref: 'Profile' }, Content: flags },
        },
        Deployment: {
          Type: 'AWS::AppConfig::Deployment',
          Properties: {
            ApplicationId: application,
            EnvironmentId: { Ref: 'Environment' },
            ConfigurationProfileId: { Ref: 'Profile' },
            ConfigurationVersion: { Ref: 'Version' },
            DeploymentStrategyId: { Ref: 'Strategy' },
          },
        },
        Strategy: { Type: 'AWS::AppConfig::DeploymentStrategy', Properties: { FinalBakeTimeInMinutes: 10 } },
        Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: '/local/snowflake' } },
        Token: {
          Type: 'AWS::SecretsManager::Secret',
          Properties: {
            Name: '/local/token',
            GenerateSecretString: {
              SecretStringTemplate: '{"user":"u"}',
              GenerateStringKey: 'token',
              PasswordLength: 48,
              ExcludePunctuation: true,
            },
          },
        },
        Cache: { Type: 'AWS::ElastiCache::ServerlessCache', Properties: { Engine: 'valkey' } },
      },
      outputs: {
        ApplicationId: { Value: application },
        EnvironmentId: { Value: { Ref: 'Environment' } },
        ProfileId: { Value: { Ref: 'Profile' } },
        SecretArn: { Value: { Ref: 'Secret' } },
        CachePort: { Value: { 'Fn::GetAtt': ['Cache', 'Endpoint.Port'] } },
      },
    });
    const { outputs, appConfig, secrets, valkey, controlPlane } = platform;
    const token = appConfig.startSession({
      ApplicationIdentifier: outputs.ApplicationId,
      EnvironmentIdentifier: outputs.EnvironmentId,
      ConfigurationProfileIdentifier: outputs.ProfileId,
    });
    expect(appConfig.getLatest(token)).toMatchObject({ content: '{"on":{"enabled":true}}', nextPollSeconds: 60 });

    const read = (SecretId: string | undefined) => controlPlane.secretsManager.handle('GetSecretValue', { SecretId });
    await expect(read('/local/snowflake')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    secrets.put('/local/snowflake', '{"a":1}');
    expect(await read(outputs.SecretArn)).toMatchObject({ SecretString: '{"a":1}', Name: '/local/snowflake' });
    const { SecretString } = (await read('/local/token')) as { SecretString: string };
    expect(JSON.parse(SecretString)).toEqual({ user: 'u', token: expect.stringMatching(/^[A-Za-z0-9]{48}$/) });
    secrets.create('/local/other', 'made by an operator');
    expect(await read('/local/other')).toMatchObject({ SecretString: 'made by an operator' });
    expect(() => secrets.create('/local/other', '')).toThrow('the secret /local/other already exists');

    expect(outputs.CachePort).toBe(String(valkey.port));
    expect(lives(valkey.pid)).toBe(true);
  });
});

describe('the clock', () => {
  const clock = `export const handler = async (event) => { console.log(Date.now()); return Date.now(); };`;
  const resources = {
    Q: queue(),
    F: lambdaFunction('clock'),
    Reading: mapping('Q', 'F'),
    Cache: { Type: 'AWS::ElastiCache::ServerlessCache' },
  };

  test('is one: what a queue delays, a function, the cache and this process agree on the hour', async () => {
    const platform = await start({ modules: { clock }, resources });
    const startedMs = Date.now();
    const minutes = (at: number) => Math.floor((at - startedMs) / 60_000);
    await platform.queues.send('Q', { MessageBody: '{}', DelaySeconds: 600 });
    const pool = platform.functions.find('F');
    const [line] = await platform.until('the function runs', () => pool.logs().length > 0 && pool.logs());
    expect(minutes(Number(line?.text))).toBe(10);
    expect(minutes(Date.now())).toBe(10);
    const [seconds] = (await ask(platform.valkey.port, ['TIME'])).match(/\d{10}/) ?? [];
    expect(minutes(Number(seconds) * 1000 + 999)).toBe(10);
    expect(minutes(startedMs + platform.clockOffsetMs + 999)).toBe(10);
  });
});

const sleeper = `export const handler = async () => { console.log('here'); await new Promise(() => setInterval(() => {}, 1e6)); };`;
const sleeping = {
  modules: { sleeper },
  resources: { Q: queue(), F: lambdaFunction('sleeper', { Timeout: 900 }), M: mapping('Q', 'F') },
};

describe('the end', () => {
  test('stop ends every process, in the middle of an invocation, and may be called twice', async () => {
    const logDirectory = join(assembly({ resources: {} }), 'logs');
    const platform = await start(sleeping, { logDirectory });
    await platform.queues.send('Q', { MessageBody: '{}' });
    const pool = platform.functions.find('sleeper');
    await until(() => pool.logs().length > 0);
    const pids = pool.processIds();
    expect(pids).toHaveLength(1);
    await Promise.all([platform.stop(), platform.stop()]);
    expect(pids.map(lives)).toEqual([false]);
    expect(readFileSync(join(logDirectory, 'sleeper.log'), 'utf8')).toBe('here\n');
    await expect(fetch(platform.queues.endpoint)).rejects.toThrow();
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s to the platform ends what it started', async (signal) => {
    const cache = { Type: 'AWS::ElastiCache::ServerlessCache' };
    const { directory, exited, child, pids } = await startProgram({
      ...sleeping,
      resources: { ...sleeping.resources, cache, Table: table },
    });
    expect(pids.map(lives)).toEqual([true, true]);
    child.kill(signal);
    expect(await exited).toEqual([null, signal]);
    expect(pids.map(lives)).toEqual([false, false]);
    // The cache's files go where its end was waited for.
    expect(readdirSync(directory).filter((name) => name.startsWith('valkey-'))).toEqual([]);
  });

  test('functions end with a platform that is killed', async () => {
    const { child, pids } = await startProgram(sleeping);
    child.kill('SIGKILL');
    await until(() => !pids.some(lives));
  });
});

/** Runs the platform in a process of its own, which has one function in an invocation. */
async function startProgram(source: AssemblySource) {
  const directory = assembly(source);
  const pidFile = join(directory, 'pid');
  const env = { ...process.env, TMPDIR: directory };
  const child = fork(writeProgram(directory, pidFile, 'cache' in source.resources), { execArgv: [], env });
  const exited = once(child, 'exit');
  cleanUps.push(() => child.kill('SIGTERM') && exited);
  await until(() => existsSync(pidFile));
  const pids = readFileSync(pidFile, 'utf8').trim().split(' ').map(Number);
  return { directory, child, exited, pids };
}

/** A program that runs the platform and notes the process ids of its function and its cache once it is in an invocation. */
function writeProgram(directory: string, pidFile: string, hasCache: boolean): string {
  const file = join(directory, 'program.mjs');
  const platform = fileURLToPath(new URL('../../local/platform.ts', import.meta.url));
  writeFileSync(
    file,
    `import { renameSync, writeFileSync } from 'node:fs';
    import { startPlatform } from ${JSON.stringify(platform)};
    const platform = await startPlatform({ assemblyDirectory: ${JSON.stringify(directory)}, stackName: '${STACK}' });
    await platform.queues.send('Q', { MessageBody: '{}' });
    const pool = platform.functions.find('sleeper');
    const caches = ${JSON.stringify(hasCache)} ? [platform.valkey.pid] : [];
    while (pool.logs().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    writeFileSync(${JSON.stringify(`${pidFile}.new`)}, [...pool.processIds(), ...caches].join(' '));
    renameSync(${JSON.stringify(`${pidFile}.new`)}, ${JSON.stringify(pidFile)});`,
  );
  return file;
}
