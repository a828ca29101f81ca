import {
  CreateSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { clientOptions } from '../../support/client-options.ts';

const Name = '/local/integrations/acme';

let nowMs: number;
let plane: ControlPlane;
let client: SecretsManagerClient;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  plane = await startControlPlane({ now: () => nowMs });
  client = new SecretsManagerClient(clientOptions(plane.endpoint));
});
afterEach(async () => {
  client.destroy();
  await plane.close();
});

const create = (SecretString?: string, more = {}) =>
  client.send(new CreateSecretCommand({ Name, ...(SecretString !== undefined && { SecretString }), ...more }));
const put = (SecretString: string, more = {}) =>
  client.send(new PutSecretValueCommand({ SecretId: Name, SecretString, ...more }));
const get = (more: Partial<GetSecretValueCommandInput> = {}) =>
  client.send(new GetSecretValueCommand({ SecretId: Name, ...more }));

const notThere = { name: 'ResourceNotFoundException' };

test('created, it is found by its name and its ARN, with the date of its version', async () => {
  const { ARN, VersionId } = await create('one');
  expect(ARN).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:\/local\/integrations\/acme-[0-9a-f]{6}$/);
  const value = { Name, ARN, VersionId, SecretString: 'one', VersionStages: ['AWSCURRENT'] };
  expect(await get()).toMatchObject({ ...value, CreatedDate: new Date(nowMs) });
  expect(await get({ SecretId: String(ARN) })).toMatchObject(value);
});

test('created twice, it exists already; the same request once more does not count', async () => {
  const first = await create('one', { ClientRequestToken: 'a'.repeat(32) });
  await expect(create('two')).rejects.toMatchObject({ name: 'ResourceExistsException' });
  const again = await create('one', { ClientRequestToken: 'a'.repeat(32) });
  expect(again.VersionId).toBe(first.VersionId);
  expect((await get()).SecretString).toBe('one');
});

test('a new value keeps the last one as AWSPREVIOUS, and no older one', async () => {
  const one = await create('one');
  const two = await put('two');
  expect(two.VersionStages).toEqual(['AWSCURRENT']);
  expect((await get()).SecretString).toBe('two');
  expect(await get({ VersionStage: 'AWSPREVIOUS' })).toMatchObject({ SecretString: 'one', VersionId: one.VersionId });

  await put('three');
  expect((await get({ VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('two');
  await expect(get({ VersionId: String(one.VersionId) })).rejects.toMatchObject(notThere);
});

test('a value under a label of its own leaves the current one', async () => {
  await create('one');
  await put('two', { VersionStages: ['AWSPENDING'] });
  expect((await get()).SecretString).toBe('one');
  expect((await get({ VersionStage: 'AWSPENDING' })).SecretString).toBe('two');
});

test('without a value it is there, and has nothing to read', async () => {
  await create();
  await expect(get()).rejects.toMatchObject({ ...notThere, message: expect.stringContaining('AWSCURRENT') });
  await put('one');
  expect((await get()).SecretString).toBe('one');
});

test.each([
  ['read', () => get()],
  ['given a value', () => put('one')],
])('what is not there cannot be %s', async (_, ask) => {
  await expect(ask()).rejects.toMatchObject({ ...notThere, message: expect.stringContaining('the specified secret.') });
});

test('a name with a space is refused', async () => {
  await expect(create('one', { Name: '/local/a b' })).rejects.toMatchObject({ name: 'ValidationException' });
});
