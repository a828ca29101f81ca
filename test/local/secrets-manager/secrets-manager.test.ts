import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
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

const create = (SecretString: string, more = {}) =>
  client.send(new CreateSecretCommand({ Name, SecretString, ...more }));
const put = (SecretString: string, more = {}) =>
  client.send(new PutSecretValueCommand({ SecretId: Name, SecretString, ...more }));
const get = (SecretId = Name) => client.send(new GetSecretValueCommand({ SecretId }));
const notThere = { name: 'ResourceNotFoundException' };

test('a created secret is found by its name and its ARN, with the date of its version', async () => {
  const { ARN, VersionId } = await create('one');
  expect(ARN).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:\/local\/integrations\/acme-[0-9a-f]{6}$/);
  const value = { Name, ARN, VersionId, SecretString: 'one', CreatedDate: new Date(nowMs) };
  expect(await get()).toMatchObject(value);
  expect(await get(ARN)).toMatchObject(value);
});

test('a secret that exists is not created again, except by the same request', async () => {
  const first = await create('one', { ClientRequestToken: 'a'.repeat(32) });
  await expect(create('two')).rejects.toMatchObject({ name: 'ResourceExistsException' });
  const again = await create('one', { ClientRequestToken: 'a'.repeat(32) });
  expect(again.VersionId).toBe(first.VersionId);
});

test('the current and the previous version are listed with their labels and dates', async () => {
  for (const value of ['one', 'two', 'three']) {
    await (value === 'one' ? create(value) : put(value));
    nowMs += 1000;
  }
  expect((await get()).SecretString).toBe('three');
  const { Versions } = await client.send(new ListSecretVersionIdsCommand({ SecretId: Name }));
  expect(Versions).toMatchObject([
    { VersionStages: ['AWSCURRENT'], CreatedDate: new Date(nowMs - 1000) },
    { VersionStages: ['AWSPREVIOUS'], CreatedDate: new Date(nowMs - 2000) },
  ]);
});

test('a secret without a value is not found until it has one, and neither is one that does not exist', async () => {
  await expect(get()).rejects.toMatchObject({ ...notThere, message: expect.stringContaining('the specified secret.') });
  await expect(put('one')).rejects.toMatchObject(notThere);
  plane.secretsManager.define(Name);
  await expect(get()).rejects.toMatchObject({ ...notThere, message: expect.stringContaining('AWSCURRENT') });
  await put('one');
  expect((await get()).SecretString).toBe('one');
  plane.secretsManager.remove(Name);
  await expect(get()).rejects.toMatchObject(notThere);
});

test('invalid names and unsupported parameters are refused', async () => {
  await expect(create('one', { Name: '/local/a b' })).rejects.toMatchObject({ name: 'ValidationException' });
  await create('one');
  const unsupported = { name: 'InvalidParameterException', message: expect.stringContaining('VersionStages is not') };
  await expect(put('two', { VersionStages: ['AWSPENDING'] })).rejects.toMatchObject(unsupported);
});

test('down: 503, until it is up again', async () => {
  plane.secretsManager.put(Name, 'x');
  plane.secretsManager.setDown(true);
  await expect(get()).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
  plane.secretsManager.setDown(false);
  expect((await get()).SecretString).toBe('x');
});
