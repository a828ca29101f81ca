import { describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { integrationSecretSchema } from '../../../lambdas/partners/integration-secret.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);

const URL = 'https://acme.example/hooks';
const add = (...words: readonly string[]) => runProgram(['integration', 'add', ...words], world.context);
const addAcme = (...words: readonly string[]) => add('--id', 'acme', '--url', URL, ...words);
const GIVEN = { signing_secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] };

describe('integration add', () => {
  test('makes the secret, deploys the entry with care, waits until functions have it, and tests it', async () => {
    world.deploy({ integrations: [{ id: 'first', url: URL }] });
    const waits: number[] = [];
    world.onSleep = (durationMs) => {
      waits.push(durationMs);
      expect(world.tested).toEqual([]);
    };
    expect(await addAcme('--set', 'max_requests_per_minute=60')).toBe(0);
    expect(world.deployed()).toEqual({
      integrations: [
        { id: 'first', url: URL },
        { id: 'acme', url: URL, max_requests_per_minute: 60, active: true },
      ],
    });
    expect(world.lastStrategy()).toBe('at-once');
    expect(integrationSecretSchema.parse(world.secret('acme')).signing_secrets).toHaveLength(1);
    expect(waits).toEqual([15_000]);
    expect(world.tested).toEqual(['acme']);
    expect(world.printed()).toContain('get-secret-value --secret-id /local/integrations/acme');
    expect(world.printed()).not.toContain('whsec_');
  });

  test('asks for what its auth needs, without showing it', async () => {
    world.answers.push('the-client', 'the-password');
    await addAcme('--auth', 'oauth2_client_credentials', '--token-url', 'https://acme.example/token', '--scope', 'x');
    expect(world.questions).toEqual([expect.stringContaining('client_id'), expect.stringContaining('client_secret')]);
    expect(world.secret('acme')).toMatchObject({ client_id: 'the-client', client_secret: 'the-password' });
    expect(world.deployed()).toMatchObject({
      integrations: [
        { auth: { type: 'oauth2_client_credentials', token_url: 'https://acme.example/token', scope: 'x' } },
      ],
    });
    expect(world.printed()).not.toContain('the-password');
  });

  test('takes it from a file, from the environment, and asks for the rest', async () => {
    const entry = {
      id: 'acme',
      url: URL,
      auth: { type: 'bearer' },
      headers: [
        { name: 'X-One', from_secret: 'one' },
        { name: 'X-Two', from_secret: 'two-b' },
      ],
    };
    const secretFile = world.file('secret.json', { ...GIVEN, bearer_token: 'from-file' });
    world.variables.INTEGRATION_HEADER_TWO_B = 'from-environment';
    world.answers.push('typed');
    expect(await add('--file', world.file('entry.json', entry), '--secret-file', secretFile)).toBe(0);
    expect(world.secret('acme')).toEqual({
      ...GIVEN,
      bearer_token: 'from-file',
      headers: { one: 'typed', 'two-b': 'from-environment' },
    });
  });

  test('makes an encryption key where fields are encrypted', async () => {
    await addAcme('--set', 'encrypted_fields=["user.email"]', '--show-secret');
    const { signing_secrets, encryption_key } = integrationSecretSchema.parse(world.secret('acme'));
    expect(world.printed()).toContain(`signing secret: ${signing_secrets[0]}`);
    expect(world.printed()).toContain(`encryption key: ${encryption_key}`);
  });

  test('the test fails: all is in place all the same, and it says so', async () => {
    world.answerTests({ verdict: 'dead', reason: 'HTTP 404', status: 404 });
    expect(await addAcme()).toBe(1);
    expect(world.deployed()).toMatchObject({ integrations: [{ id: 'acme' }] });
    expect(world.printed()).toContain('its test event was not delivered');
    expect(world.printed()).toContain('./ltw send-test --integration acme --stage local');
  });
});

describe('nothing is changed where', () => {
  const unchanged = async (words: readonly string[], reason: RegExp) => {
    const versions = world.versions();
    await expect(add(...words)).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(reason),
    });
    expect(world.versions()).toBe(versions);
  };

  test('the entry does not fit: every fault is told', async () => {
    await unchanged(
      ['--id', 'a b', '--url', 'acme', '--set', 'timeout=5'],
      /id: must be[\s\S]*url: must be[\s\S]*Unrecognized key: "timeout"/,
    );
    expect(world.secret('a b')).toBeUndefined();
  });

  test('its id is taken', async () => {
    world.deploy({ integrations: [{ id: 'acme', url: URL }] });
    await unchanged(['--id', 'acme', '--url', URL], /an integration acme already/);
    expect(world.secret('acme')).toBeUndefined();
  });

  test('the secret is there already; it is used when that is said', async () => {
    world.putSecret('acme', GIVEN);
    await unchanged(['--id', 'acme', '--url', URL], /--keep-secret uses it as it is. Nothing was changed/);
    expect(await addAcme('--keep-secret')).toBe(0);
    expect(world.secret('acme')).toEqual(GIVEN);
  });

  test('the secret that is there lacks what the entry needs', async () => {
    world.putSecret('acme', GIVEN);
    await unchanged(['--id', 'acme', '--url', URL, '--auth', 'bearer', '--keep-secret'], /no bearer_token/);
  });

  test('the input ends before the secret is given, or gives what no header can hold', async () => {
    await unchanged(['--id', 'acme', '--url', URL, '--auth', 'api_key'], /api_key is missing.*INTEGRATION_API_KEY/);
    world.answers.push('two\nlines');
    await unchanged(
      ['--id', 'acme', '--url', URL, '--auth', 'api_key'],
      /the secret has a value of api_key that is not a text of 1 to 4096 visible ASCII characters, which auth api_key needs$/,
    );
    expect(world.secret('acme')).toBeUndefined();
  });

  test('another deployment still bakes: its number and state, and how to end it', async () => {
    world.plane.appConfig.setBakeSeconds(1200);
    const careful = { profileId: 'profile', version: '1', strategyId: 'careful' };
    world.plane.appConfig.store.startDeployment('app', 'env', careful, 1_200_000);
    await unchanged(['--id', 'next', '--url', URL], /^deployment 2 is BAKING for 20 minutes: it has to end first/);
    expect(world.secret('next')).toBeUndefined();
  });
});

test('it fails after the secret is made: what was done and how to go on, which then works', async () => {
  // The platform gets its only deployment slot taken between looking and deploying.
  world.context.terminal.askHidden = async () => {
    world.plane.appConfig.setBakeSeconds(60);
    world.plane.appConfig.store.startDeployment(
      'app',
      'env',
      { profileId: 'profile', version: '1', strategyId: 'careful' },
      60_000,
    );
    return 'token';
  };
  await expect(addAcme('--auth', 'bearer')).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(
      /deployment 2 is BAKING[\s\S]*The secret \/local\/integrations\/acme is there, the entry acme is not deployed.*--keep-secret/,
    ),
  });
  world.nowMs += 60_000;
  expect(await addAcme('--auth', 'bearer', '--keep-secret')).toBe(0);
  expect(world.secret('acme')).toMatchObject({ bearer_token: 'token' });
});
