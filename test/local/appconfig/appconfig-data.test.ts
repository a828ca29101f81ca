import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { flattenFlags } from '../../../local/appconfig/feature-flags.ts';
import { jsonSchemaValidator } from '../../../local/appconfig/json-schema-validator.ts';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { clientOptions } from '../../support/client-options.ts';

const HOUR_MS = 3_600_000;

let nowMs: number;
let plane: ControlPlane;
let client: AppConfigDataClient;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  plane = await startControlPlane({ now: () => nowMs });
  client = new AppConfigDataClient(clientOptions(plane.endpoint));
  plane.appConfig.defineProfile('app', 'free', 'AWS.Freeform');
  plane.appConfig.deploy('app', 'env', 'free', '{"a":1}');
});
afterEach(async () => {
  client.destroy();
  await plane.close();
});

async function startSession(profileId = 'free', RequiredMinimumPollIntervalInSeconds?: number) {
  const ids = { ApplicationIdentifier: 'app', EnvironmentIdentifier: 'env', ConfigurationProfileIdentifier: profileId };
  const request = new StartConfigurationSessionCommand({ ...ids, RequiredMinimumPollIntervalInSeconds });
  return (await client.send(request)).InitialConfigurationToken;
}

async function getLatest(token: string | undefined) {
  const { Configuration, ...response } = await client.send(
    new GetLatestConfigurationCommand({ ConfigurationToken: token }),
  );
  return { ...response, text: Configuration?.transformToString() ?? '' };
}

function badToken(problem: string) {
  return {
    name: 'BadRequestException',
    Reason: 'InvalidParameters',
    Details: { InvalidParameters: { ConfigurationToken: { Problem: problem } } },
    $metadata: { httpStatusCode: 400 },
  };
}

describe('polling', () => {
  test('a session gets the document, then nothing while it is unchanged, then the next version', async () => {
    const first = await getLatest(await startSession());
    expect(first).toMatchObject({ text: '{"a":1}', ContentType: 'application/json', NextPollIntervalInSeconds: 60 });
    nowMs += 60_000;
    const second = await getLatest(first.NextPollConfigurationToken);
    expect(second.text).toBe('');
    plane.appConfig.deploy('app', 'env', 'free', '{"a":2}');
    nowMs += 60_000;
    expect((await getLatest(second.NextPollConfigurationToken)).text).toBe('{"a":2}');
  });

  test('a token is valid for one call, for 24 hours, and not before the interval', async () => {
    const token = await startSession('free', 15);
    const { NextPollConfigurationToken, NextPollIntervalInSeconds } = await getLatest(token);
    await expect(getLatest(token)).rejects.toMatchObject(badToken('Corrupted'));
    expect(NextPollIntervalInSeconds).toBe(15);
    nowMs += 14_999;
    await expect(getLatest(NextPollConfigurationToken)).rejects.toMatchObject(badToken('PollIntervalNotSatisfied'));
    const unused = await startSession();
    nowMs += 24 * HOUR_MS;
    await expect(getLatest(unused)).rejects.toMatchObject(badToken('Expired'));
  });

  test('an interval below 15 s, and a profile without a deployment, are refused', async () => {
    await expect(startSession('free', 14)).rejects.toMatchObject({ name: 'BadRequestException' });
    const missing = { name: 'ResourceNotFoundException', ResourceType: 'Deployment' };
    await expect(startSession('other')).rejects.toMatchObject(missing);
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

describe('a feature flag', () => {
  const attributes = {
    percentage: { constraints: { type: 'number', required: true, minimum: 0, maximum: 100 } },
    pilots: { constraints: { type: 'array', elements: { type: 'string', pattern: '^[a-z-]{1,8}$' } } },
    note: {},
  };
  const hosted = (value: object, flag: object = { attributes }) =>
    JSON.stringify({ version: '1', flags: { ours: flag }, values: { ours: value } });
  const constrained = (constraints: object) => hosted({ enabled: true }, { attributes: { note: { constraints } } });
  const contentOf = (content: string) => JSON.parse((flattenFlags(content) as { content: string }).content);

  test('is flat for functions, and has its attributes only while it is enabled', () => {
    const value = { enabled: true, percentage: 5, pilots: ['a-b'], note: 'x' };
    expect(contentOf(hosted({ ...value, _updatedAt: '2026-01-01T00:00:00Z' }))).toEqual({ ours: value });
    expect(contentOf(hosted({ ...value, enabled: false }))).toEqual({ ours: { enabled: false } });
    expect(contentOf('{"version":"1","flags":{"ours":{}}}')).toEqual({ ours: { enabled: false } });
  });

  const numbered = Object.fromEntries(Array.from({ length: 26 }, (_, index) => [`a${index}`, {}]));
  test.each([
    ['not JSON', 'version: 1', 'not JSON'],
    ['another version', '{"version":"2"}', 'version'],
    ['a value without its flag', '{"version":"1","flags":{},"values":{"x":{"enabled":true}}}', 'no such flag'],
    ['a key with a capital', '{"version":"1","flags":{"Flag":{}}}', 'Invalid key'],
    ['no enabled', hosted({ percentage: 1 }), 'enabled'],
    ['a required attribute without value, while it is off', hosted({ enabled: false }), 'percentage: a value is requ'],
    ['a number above its maximum', hosted({ enabled: true, percentage: 101 }), 'percentage: is not between 0 and 100'],
    ['a number below its minimum', hosted({ enabled: true, percentage: -1 }), 'percentage: is not between 0 and 100'],
    ['another type', hosted({ enabled: true, percentage: '5' }), 'is of type string, not number'],
    ['an element that does not match', hosted({ enabled: true, percentage: 1, pilots: ['A'] }), 'pilots: is no list'],
    ['an empty array', hosted({ enabled: true, percentage: 1, pilots: [] }), 'pilots'],
    ['an unknown attribute', hosted({ enabled: true, percentage: 1, cache: 2 }), 'cache: the flag has no such'],
    ['a text over 1024 characters', hosted({ enabled: true, percentage: 1, note: 'x'.repeat(1025) }), 'note'],
    ['variants', hosted({ enabled: true, _variants: [], percentage: 1 }), '_variants'],
    ['a bound with a fraction', constrained({ type: 'number', minimum: 0.5 }), 'minimum'],
    ['constraints of a type that is not supported', constrained({ type: 'boolean' }), 'note.constraints.type'],
    ['26 attributes', hosted({ enabled: true }, { attributes: numbered }), '25 attributes'],
  ])('with %s is refused', (_, content, reason) => {
    expect(flattenFlags(content)).toMatchObject({ faults: [expect.stringContaining(reason)] });
  });

  test('that is refused leaves what is deployed, and every reason is given', async () => {
    plane.appConfig.defineProfile('app', 'flags', 'AWS.AppConfig.FeatureFlags');
    const deploy = (value: object) => plane.appConfig.deploy('app', 'env', 'flags', hosted(value));
    deploy({ enabled: true, percentage: 7 });
    expect(() => deploy({ enabled: true, percentage: 101, pilots: ['A'] })).toThrow(
      expect.objectContaining({ name: 'DeploymentRefused', message: expect.stringMatching(/percentage.*; .*pilots/) }),
    );
    expect((await getLatest(await startSession('flags'))).text).toBe('{"ours":{"enabled":true,"percentage":7}}');
  });
});

describe('a freeform document', () => {
  const validator = (schema: object) => jsonSchemaValidator(JSON.stringify(schema));

  test('is validated by draft-04', () => {
    // `exclusiveMinimum: true` is draft-04's way.
    const validate = validator({
      $schema: 'http://json-schema.org/draft-04/schema#',
      required: ['limit'],
      properties: { limit: { type: 'integer', minimum: 0, exclusiveMinimum: true } },
    });
    expect(validate('{"limit":1}')).toEqual([]);
    expect(validate('{"limit":0}')).toEqual(['/limit must be > 0']);
    expect(validate('{}')).toEqual(["/ must have required property 'limit'"]);
    expect(validate('limit: 1')).toEqual(['the content is not JSON']);
  });

  test('over 2 MB, or for an unknown profile, is refused', () => {
    const content = JSON.stringify('x'.repeat(2 * 1024 * 1024));
    expect(() => plane.appConfig.deploy('app', 'env', 'free', content)).toThrow(/larger than 2 MB/);
    expect(() => plane.appConfig.deploy('app', 'env', 'unknown', '{}')).toThrow(/no profile unknown/);
  });

  test('has a schema that AppConfig accepts', () => {
    expect(() => validator({ $schema: 'http://json-schema.org/draft-07/schema#' })).toThrow(/no schema with key or/);
    expect(() => validator({ type: 'objekt' })).toThrow(/schema is invalid/);
    expect(() => validator({ description: 'x'.repeat(33_000) })).toThrow(/larger than 32 KB/);
  });
});
