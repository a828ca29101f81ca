import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { clientOptions } from '../../support/client-options.ts';

const FLAGS = 'AWS.AppConfig.FeatureFlags';
const HOUR_MS = 3_600_000;

let nowMs: number;
let plane: ControlPlane;
let appConfig: AppConfigDataClient;
let secrets: SecretsManagerClient;
let sfn: SFNClient;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  plane = await startControlPlane({ now: () => nowMs });
  const options = clientOptions(plane.endpoint);
  appConfig = new AppConfigDataClient(options);
  secrets = new SecretsManagerClient(options);
  sfn = new SFNClient(options);
});

afterEach(async () => {
  for (const client of [appConfig, secrets, sfn]) client.destroy();
  await plane.close();
});

async function startSession(profileId = 'free', seconds?: number): Promise<string | undefined> {
  const answer = await appConfig.send(
    new StartConfigurationSessionCommand({
      ApplicationIdentifier: 'app',
      EnvironmentIdentifier: 'env',
      ConfigurationProfileIdentifier: profileId,
      ...(seconds !== undefined && { RequiredMinimumPollIntervalInSeconds: seconds }),
    }),
  );
  return answer.InitialConfigurationToken;
}

async function getLatest(token: string | undefined) {
  const { Configuration, ...answer } = await appConfig.send(
    new GetLatestConfigurationCommand({ ConfigurationToken: token }),
  );
  return { ...answer, text: Configuration?.transformToString() ?? '' };
}

describe('AppConfig data', () => {
  beforeEach(() => {
    plane.appConfig.defineProfile('app', 'free', 'AWS.Freeform');
    plane.appConfig.deploy('app', 'env', 'free', '{"a":1}');
  });

  test('a session gives the document, then nothing while it is unchanged, then the next version', async () => {
    const first = await getLatest(await startSession());
    expect(first).toMatchObject({
      text: '{"a":1}',
      ContentType: 'application/json',
      NextPollIntervalInSeconds: 60,
    });
    nowMs += 60_000;
    const second = await getLatest(first.NextPollConfigurationToken);
    expect(second.text).toBe('');
    expect(second.VersionLabel).toBeUndefined();
    expect(plane.appConfig.deploy('app', 'env', 'free', '{"a":2}')).toBe(2);
    nowMs += 60_000;
    const third = await getLatest(second.NextPollConfigurationToken);
    expect(third).toMatchObject({ text: '{"a":2}' });
  });

  test('a token is good for one call', async () => {
    const token = await startSession();
    await getLatest(token);
    await expect(getLatest(token)).rejects.toMatchObject(badRequest('Corrupted'));
    await expect(getLatest('made-up')).rejects.toMatchObject(badRequest('Corrupted'));
  });

  test('a token lives 24 h', async () => {
    const token = await startSession();
    nowMs += 24 * HOUR_MS;
    await expect(getLatest(token)).rejects.toMatchObject(badRequest('Expired'));
  });

  test('polling before the interval is refused', async () => {
    const { NextPollConfigurationToken, NextPollIntervalInSeconds } = await getLatest(await startSession('free', 15));
    expect(NextPollIntervalInSeconds).toBe(15);
    nowMs += 14_999;
    await expect(getLatest(NextPollConfigurationToken)).rejects.toMatchObject(badRequest('PollIntervalNotSatisfied'));
  });

  test('the service may respond with another interval than was asked for', async () => {
    plane.appConfig.setPollIntervalSeconds(90);
    const first = await getLatest(await startSession('free', 15));
    expect(first.NextPollIntervalInSeconds).toBe(90);
    nowMs += 90_000;
    expect((await getLatest(first.NextPollConfigurationToken)).text).toBe('');
  });

  test('an interval below 15 s cannot be asked for', async () => {
    await expect(startSession('free', 14)).rejects.toMatchObject({ name: 'BadRequestException' });
  });

  test('where nothing is deployed there is nothing to find', async () => {
    await expect(startSession('other')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      ResourceType: 'Deployment',
    });
  });

  test('down: 503 to both calls, until it is up again', async () => {
    const token = await startSession();
    plane.appConfig.setDown(true);
    await expect(startSession()).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
    await expect(getLatest(token)).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
    plane.appConfig.setDown(false);
    expect((await getLatest(token)).text).toBe('{"a":1}');
  });
});

describe('deploying flags', () => {
  const attributes = {
    rollout_percentage: { constraints: { type: 'number', required: true, minimum: 0, maximum: 100 } },
    pilot_enterprises: { constraints: { type: 'array', elements: { type: 'string', pattern: '^[a-z-]{1,8}$' } } },
    mode: { constraints: { type: 'string', enum: ['slow', 'fast'] } },
    dry_run: { constraints: { type: 'boolean' } },
    note: {},
  };
  const hosted = (value: object, flag: object = { name: 'A flag', attributes }) =>
    JSON.stringify({ version: '1', flags: { [FLAG_KEY]: flag }, values: { [FLAG_KEY]: value } });
  const deploy = (content: string) => plane.appConfig.deploy('app', 'env', 'flags', content);

  beforeEach(() => plane.appConfig.defineProfile('app', 'flags', FLAGS));

  test('an enabled flag is answered flat, with its attributes', async () => {
    const value = {
      enabled: true,
      rollout_percentage: 5,
      pilot_enterprises: ['a-b'],
      mode: 'slow',
      dry_run: true,
      note: 'x',
    };
    deploy(hosted({ ...value, _updatedAt: '2026-01-01T00:00:00Z' }));
    expect(JSON.parse((await getLatest(await startSession('flags'))).text)).toEqual({ [FLAG_KEY]: value });
  });

  test('a disabled flag is answered without its attributes, and so is one without values', async () => {
    deploy(hosted({ enabled: false, rollout_percentage: 5 }));
    expect((await getLatest(await startSession('flags'))).text).toBe(`{"${FLAG_KEY}":{"enabled":false}}`);
    deploy('{"version":"1","flags":{"plain":{}}}');
    expect((await getLatest(await startSession('flags'))).text).toBe('{"plain":{"enabled":false}}');
  });

  test.each([
    ['not JSON', 'version: 1', 'not JSON'],
    ['another version', '{"version":"2"}', 'version'],
    ['a value without its flag', '{"version":"1","flags":{},"values":{"x":{"enabled":true}}}', 'no such flag'],
    ['a key with a capital', '{"version":"1","flags":{"Flag":{}}}', 'Invalid key'],
    ['no enabled', hosted({ rollout_percentage: 1 }), 'enabled'],
    ['a required attribute without value', hosted({ enabled: true }), 'rollout_percentage: a value is required'],
    ['so while the flag is off', hosted({ enabled: false }), 'rollout_percentage: a value is required'],
    ['too high', hosted({ enabled: true, rollout_percentage: 101 }), 'rollout_percentage: is more than 100'],
    ['too low', hosted({ enabled: true, rollout_percentage: -1 }), 'rollout_percentage: is less than 0'],
    ['another type', hosted({ enabled: true, rollout_percentage: '5' }), 'is of type string, not number'],
    [
      'an element that does not match',
      hosted({ enabled: true, rollout_percentage: 1, pilot_enterprises: ['A'] }),
      'match',
    ],
    ['an empty array', hosted({ enabled: true, rollout_percentage: 1, pilot_enterprises: [] }), 'pilot_enterprises'],
    ['not one of the enum', hosted({ enabled: true, rollout_percentage: 1, mode: 'idle' }), 'none of slow, fast'],
    ['an unknown attribute', hosted({ enabled: true, rollout_percentage: 1, cache: 2 }), 'cache: the flag has no such'],
    ['an object', hosted({ enabled: true, rollout_percentage: 1, note: { a: 1 } }), 'note'],
    ['a text over 1024 characters', hosted({ enabled: true, rollout_percentage: 1, note: 'x'.repeat(1025) }), 'note'],
    ['variants', hosted({ _variants: [], rollout_percentage: 1 }), 'enabled'],
    [
      'a constraint with a fraction',
      hosted({ enabled: true }, withConstraints({ type: 'number', minimum: 0.5 })),
      'minimum',
    ],
    [
      'pattern and enum',
      hosted({ enabled: true }, withConstraints({ type: 'string', pattern: 'a', enum: ['a'] })),
      'both',
    ],
    ['26 attributes', hosted({ enabled: true }, { attributes: numbered(26) }), '25 attributes'],
  ])('%s is refused, and what was deployed stays', async (_, content, reason) => {
    deploy(hosted({ enabled: true, rollout_percentage: 7 }));
    expect(() => deploy(content)).toThrow(
      expect.objectContaining({ name: 'DeploymentRefused', message: expect.stringContaining(reason) }),
    );
    expect((await getLatest(await startSession('flags'))).text).toContain(':7}');
  });

  test('every reason is listed', () => {
    const content = hosted({ enabled: true, rollout_percentage: 101, mode: 'idle' });
    expect(() => deploy(content)).toThrow(/rollout_percentage.*; .*mode/);
  });
});

describe('deploying freeform documents', () => {
  const schema = JSON.stringify({
    $schema: 'http://json-schema.org/draft-04/schema#',
    type: 'object',
    required: ['limit'],
    properties: { limit: { type: 'integer', minimum: 0, exclusiveMinimum: true } },
  });

  beforeEach(() => plane.appConfig.defineProfile('app', 'free', 'AWS.Freeform', [schema]));

  test('the validator decides, by draft-04', () => {
    expect(plane.appConfig.deploy('app', 'env', 'free', '{"limit":1}')).toBe(1);
    const refused = (content: string) => () => plane.appConfig.deploy('app', 'env', 'free', content);
    // `exclusiveMinimum: true` is draft-04's way.
    expect(refused('{"limit":0}')).toThrow(/\/limit must be > 0/);
    expect(refused('{}')).toThrow(/must have required property 'limit'/);
    expect(refused('limit: 1')).toThrow(/not JSON/);
  });

  test('a document over 2 MB is refused', () => {
    const content = JSON.stringify({ limit: 1, filler: 'x'.repeat(2 * 1024 * 1024) });
    expect(() => plane.appConfig.deploy('app', 'env', 'free', content)).toThrow(/larger than 2 MB/);
  });

  test('a schema that AppConfig would reject fails at once', () => {
    const define = (text: string) => () => plane.appConfig.defineProfile('app', 'other', 'AWS.Freeform', [text]);
    expect(define('{"$schema":"http://json-schema.org/draft-07/schema#"}')).toThrow(/no schema with key or ref/);
    expect(define('{"type":"objekt"}')).toThrow(/schema is invalid/);
    expect(define(JSON.stringify({ description: 'x'.repeat(33_000) }))).toThrow(/larger than 32 KB/);
  });

  test('an unknown profile is an error', () => {
    expect(() => plane.appConfig.deploy('app', 'env', 'unknown', '{}')).toThrow(/no profile unknown/);
  });
});

describe('Secrets Manager', () => {
  const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:/local/snowflake-AbCdEf';
  const get = (SecretId: string) => secrets.send(new GetSecretValueCommand({ SecretId }));

  test('a secret is found by its name and its ARN', async () => {
    plane.secretsManager.put(['/local/snowflake', ARN], '{"user":"u"}');
    for (const id of ['/local/snowflake', ARN]) {
      expect(await get(id)).toMatchObject({ Name: '/local/snowflake', ARN, SecretString: '{"user":"u"}' });
    }
  });

  test('a secret without value, or with none any more, is not found', async () => {
    await expect(get('/local/none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    plane.secretsManager.put('/local/none', 'x');
    plane.secretsManager.remove('/local/none');
    await expect(get('/local/none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('down: 503, until it is up again', async () => {
    plane.secretsManager.put('/local/s', 'x');
    plane.secretsManager.setDown(true);
    await expect(get('/local/s')).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
    plane.secretsManager.setDown(false);
    expect((await get('/local/s')).SecretString).toBe('x');
  });
});

describe('further services', () => {
  const list = () => sfn.send(new ListExecutionsCommand({ stateMachineArn: 'arn:machine' }));

  test('a registered service gets operation and body, and answers in JSON 1.0', async () => {
    plane.registerTarget('AWSStepFunctions', async (operation, body) => {
      expect([operation, body]).toEqual(['ListExecutions', { stateMachineArn: 'arn:machine' }]);
      return { executions: [] };
    });
    expect((await list()).executions).toEqual([]);
  });

  test('an error with name and statusCode is that AWS error to the client', async () => {
    plane.registerTarget('AWSStepFunctions', async () => {
      throw Object.assign(new Error('no such machine'), { name: 'StateMachineDoesNotExist', statusCode: 400 });
    });
    await expect(list()).rejects.toMatchObject({
      name: 'StateMachineDoesNotExist',
      message: 'no such machine',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('any other error is a 500', async () => {
    plane.registerTarget('AWSStepFunctions', async () => {
      throw new Error('a fault of ours');
    });
    await expect(list()).rejects.toMatchObject({ name: 'InternalFailure', $metadata: { httpStatusCode: 500 } });
  });

  test('an unknown service, a prefix registered twice', async () => {
    await expect(list()).rejects.toMatchObject({ name: 'UnknownOperationException' });
    expect(() => plane.registerTarget('secretsmanager', async () => ({}))).toThrow(/registered already/);
  });

  test('a port can be chosen; one in use is an error', async () => {
    const port = Number(new URL(plane.endpoint).port);
    await expect(startControlPlane({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

function badRequest(problem: string) {
  return {
    name: 'BadRequestException',
    Reason: 'InvalidParameters',
    Details: { InvalidParameters: { ConfigurationToken: { Problem: problem } } },
    $metadata: { httpStatusCode: 400 },
  };
}

function withConstraints(constraints: object) {
  return { attributes: { note: { constraints } } };
}

function numbered(count: number) {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, {}]));
}
