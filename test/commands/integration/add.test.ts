import { describe, expect, test } from '@jest/globals';
import { newEntry } from '../../../commands/integration/new-entry.ts';
import { runProgram } from '../../../commands/main.ts';
import { integrationSecretSchema } from '../../../lambdas/partners/integration-secret.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const URL = 'https://acme.example/hooks';
const SIGNING = { signing_secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] };
const BAKING = { profileId: 'profile', version: '1', strategyId: 'careful' };

const world = eachTest(startOperatorWorld);

const add = (...words: readonly string[]) => runProgram(['integration', 'add', ...words], world.context);
const addAcme = (...words: readonly string[]) => add('--id', 'acme', '--url', URL, ...words);

test('creates the secret, deploys the entry at once, waits until functions have it, and tests it', async () => {
  world.deploy({ integrations: [{ id: 'first', url: URL }] });
  const waits: number[] = [];
  world.onSleep = (durationMs) => {
    waits.push(durationMs);
    expect(world.tested).toEqual([]);
  };
  expect(await addAcme('--set', 'max_requests_per_minute=60')).toBe(0);
  const entry = { id: 'acme', url: URL, max_requests_per_minute: 60, active: true };
  expect(world.deployed()).toEqual({ integrations: [{ id: 'first', url: URL }, entry] });
  expect(world.lastStrategy()).toBe('at-once');
  expect(integrationSecretSchema.parse(world.secret('acme')).signing_secrets).toHaveLength(1);
  expect(waits).toEqual([15_000]);
  expect(world.tested).toEqual(['acme']);
  expect(world.printed()).toContain('get-secret-value --secret-id /local/integrations/acme');
  expect(world.printed()).not.toContain('whsec_');
});

describe('the entry', () => {
  const entry = (...set: readonly string[]) => newEntry({ id: 'acme', url: URL, set });

  test('has no defaults, except that it is active', () => {
    expect(entry()).toEqual({ id: 'acme', url: URL, active: true });
    expect(entry('active=false')).toMatchObject({ active: false });
  });

  test.each([
    ['a number', 'max_retries=3', { max_retries: 3 }],
    ['a list', 'event_types=["course_completion"]', { event_types: ['course_completion'] }],
    ['digits where the field is text', 'enterprise_customer_uuid=12345', { enterprise_customer_uuid: '12345' }],
    ['an unknown field, for the schema to refuse', 'x=a=b', { x: 'a=b' }],
  ])('takes %s', (_, pair, expected) => {
    expect(entry(pair)).toMatchObject(expected);
  });

  test('has the auth of the options', async () => {
    world.answers.push('the-client', 'the-password');
    await addAcme('--auth', 'oauth2_client_credentials', '--token-url', 'https://acme.example/token', '--scope', 'x');
    const auth = { type: 'oauth2_client_credentials', token_url: 'https://acme.example/token', scope: 'x' };
    expect(world.deployed()).toMatchObject({ integrations: [{ auth }] });
    const variant = { tokenRequest: 'form', clientAuthentication: 'basic', audience: 'y', tokenUrl: URL, set: [] };
    expect(newEntry({ id: 'a', url: URL, auth: 'oauth2_client_credentials', ...variant })).toMatchObject({
      auth: { token_request: 'form', client_authentication: 'basic', audience: 'y', token_url: URL },
    });
    expect(world.secret('acme')).toMatchObject({ client_id: 'the-client', client_secret: 'the-password' });
    expect(world.printed()).not.toContain('the-password');
    expect(newEntry({ id: 'a', url: URL, auth: 'api_key', authHeader: 'X-Key', set: [] })).toMatchObject({
      auth: { type: 'api_key', header: 'X-Key' },
    });
  });
});

describe('the secret', () => {
  test('comes from a file, else from the environment, else from a hidden question', async () => {
    const headers = [
      { name: 'X-One', from_secret: 'one' },
      { name: 'X-Two', from_secret: 'two-b' },
    ];
    const entry = { id: 'acme', url: URL, auth: { type: 'bearer' }, headers };
    const secretFile = world.file('secret.json', { ...SIGNING, bearer_token: 'from-file' });
    world.variables.INTEGRATION_HEADER_TWO_B = 'from-environment';
    world.answers.push('typed');
    expect(await add('--file', world.file('entry.json', entry), '--secret-file', secretFile)).toBe(0);
    expect(world.secret('acme')).toEqual({
      ...SIGNING,
      bearer_token: 'from-file',
      headers: { one: 'typed', 'two-b': 'from-environment' },
    });
  });

  test('has an encryption key where fields are encrypted; --show-secret prints both', async () => {
    await addAcme('--set', 'encrypted_fields=["user.email"]', '--show-secret');
    const { signing_secrets, encryption_key } = integrationSecretSchema.parse(world.secret('acme'));
    expect(world.printed()).toContain(`signing secret: ${signing_secrets[0]}`);
    expect(world.printed()).toContain(`encryption key: ${encryption_key}`);
  });

  test('that exists is used with --keep-secret', async () => {
    world.putSecret('acme', SIGNING);
    expect(await addAcme('--keep-secret')).toBe(0);
    expect(world.secret('acme')).toEqual(SIGNING);
  });
});

describe('changes nothing where', () => {
  async function expectRefusal(words: readonly string[], reason: RegExp) {
    const before = [world.versions(), world.secret('acme')];
    await expect(add(...words)).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(reason),
    });
    expect([world.versions(), world.secret('acme')]).toEqual(before);
  }
  const ACME = ['--id', 'acme', '--url', URL];

  test('the entry does not fit: every fault is printed', async () => {
    const faulty = ['--id', 'a b', '--url', 'acme', '--set', 'timeout=5'];
    await expectRefusal(faulty, /id: must be[\s\S]*url: must be[\s\S]*Unrecognized key: "timeout"/);
  });

  test.each([
    ['--token-url', 'https://acme.example/token', 'token_url'],
    ['--token-request', 'form', 'token_request'],
    ['--scope', '', 'scope'],
  ])('%s has no --auth', async (option, value, field) => {
    await expect(add(...ACME, option, value)).rejects.toThrow(
      `--auth is missing: without it, auth.${field} would not be used`,
    );
    expect(world.secret('acme')).toBeUndefined();
  });

  test('a file of a client certificate would not be used', async () => {
    const unused = /^a certificate or key file is for an entry with client_certificate=true. Nothing was changed.$/;
    await expectRefusal([...ACME, '--certificate-file', 'own.crt'], unused);
    await expectRefusal([...ACME, '--key-file', 'own.key', '--set', 'client_certificate=false'], unused);
  });

  test.each([
    ['contacts', '--contact', 'a@acme.example', 'contacts=["b@acme.example"]'],
    ['url', '--url', URL, 'url=https://other.example/'],
  ])('%s is given twice', async (field, option, value, pair) => {
    await expect(add(...ACME, option, value, '--set', pair)).rejects.toThrow(
      `${field} is given twice: by its option and by --set`,
    );
  });

  test('a text stands where a list belongs: only that is printed', async () => {
    const text = ['--set', 'contacts="a@acme.example"'];
    await expectRefusal(
      [...ACME, ...text],
      /^the entry does not fit:\n {2}contacts: Invalid input: expected array, received string$/,
    );
  });

  test('an option belongs to another payload format', async () => {
    await expectRefusal([...ACME, '--set', 'duration_unit=hours'], /duration_unit: is an option of percipio/);
  });

  test('the id is taken', async () => {
    world.deploy({ integrations: [{ id: 'acme', url: URL }] });
    await expectRefusal(ACME, /an integration acme already/);
  });

  test('the secret exists, or lacks what the entry needs', async () => {
    world.putSecret('acme', SIGNING);
    await expectRefusal(ACME, /--keep-secret uses it. Nothing was changed/);
    await expectRefusal([...ACME, '--auth', 'bearer', '--keep-secret'], /no bearer_token/);
  });

  test('the input ends before the secret, or has what no header can hold', async () => {
    const withKey = [...ACME, '--auth', 'api_key'];
    await expectRefusal(withKey, /needs api_key: .*INTEGRATION_API_KEY/);
    world.answers.push('two\nlines');
    await expectRefusal(
      withKey,
      /the secret has a value of api_key that is not a text of 1 to 4096 visible ASCII characters, which auth api_key needs$/,
    );
  });

  test('another deployment bakes', async () => {
    world.plane.appConfig.store.startDeployment('app', 'env', BAKING, 1_200_000);
    await expectRefusal(ACME, /^deployment 2 is BAKING for 20 minutes: it has to end first/);
  });
});

describe('a step fails after the secret is created', () => {
  test('the test event: all is in place, and how to test again is printed', async () => {
    world.answerTests({ verdict: 'dead', reason: 'HTTP 404', status: 404 });
    expect(await addAcme()).toBe(1);
    expect(world.deployed()).toMatchObject({ integrations: [{ id: 'acme' }] });
    expect(world.printed()).toContain('its test event was not delivered');
    expect(world.printed()).toContain('./ltw send-test --integration acme --stage local');
  });

  test('the deployment: how to continue is printed, and works', async () => {
    world.context.terminal.askHidden = async () => {
      // Between the first look at the environment and our deployment.
      world.plane.appConfig.store.startDeployment('app', 'env', BAKING, 60_000);
      return 'token';
    };
    await expect(addAcme('--auth', 'bearer')).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(
        /deployment 2 is BAKING[\s\S]*The secret \/local\/integrations\/acme exists, the entry acme is not deployed.*--keep-secret/,
      ),
    });
    world.nowMs += 60_000;
    expect(await addAcme('--auth', 'bearer', '--keep-secret')).toBe(0);
    expect(world.secret('acme')).toMatchObject({ bearer_token: 'token' });
  });
});
