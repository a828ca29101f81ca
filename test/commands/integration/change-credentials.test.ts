import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const SIGNING = { signing_secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] };
const STORED = { ...SIGNING, client_id: 'before', client_secret: 'before', headers: { key: 'before', other: 'stays' } };

const world = eachTest(startOperatorWorld);
const change = (id = 'acme') => runProgram(['integration', 'change-credentials', id], world.context);

beforeEach(() => {
  world.deploy({
    integrations: [
      {
        ...{ id: 'acme', url: 'https://acme.example' },
        auth: { type: 'oauth2_client_credentials', token_url: 'https://acme.example/token' },
        headers: [{ name: 'X-Key', from_secret: 'key' }],
      },
      { id: 'open', url: 'https://open.example' },
    ],
  });
  world.putSecret('acme', STORED);
});

test('asks for each value, and keeps those for which nothing is typed', async () => {
  // An old value of the shell is not taken.
  world.variables.INTEGRATION_CLIENT_SECRET = 'of the shell';
  world.answers.push('', 'typed', 'typed too');
  expect(await change()).toBe(0);
  expect(world.questions.map((question) => question.split(' ', 1)[0])).toEqual([
    'client_id',
    'client_secret',
    'headers.key',
  ]);
  expect(world.secret('acme')).toEqual({
    ...STORED,
    ...{ client_secret: 'typed', headers: { key: 'typed too', other: 'stays' } },
  });
  expect(world.printed()).toContain('changed in /local/integrations/acme: client_secret, headers.key');
  expect(world.printed()).not.toContain('typed');
});

test('nothing typed: nothing is stored', async () => {
  world.answers.push('', '', '');
  expect(await change()).toBe(0);
  expect(world.printed()).toBe('nothing to do: nothing was typed');
  expect(world.secret('acme')).toEqual(STORED);
});

test('an input that ends, and a value that cannot be sent, store nothing', async () => {
  world.answers.push('typed');
  await expect(change()).rejects.toThrow('client_secret was not typed: nothing is stored');
  world.answers.push('', '', 'not\nASCII');
  await expect(change()).rejects.toThrow(/^the secret would not be usable: /);
  expect(world.secret('acme')).toEqual(STORED);
});

test('another operator who changes the secret meanwhile wins', async () => {
  const ask = async () => {
    world.putSecret('acme', { ...STORED, client_id: 'of another operator' });
    return 'typed';
  };
  const context = { ...world.context, terminal: { ...world.context.terminal, askHidden: ask } };
  await expect(runProgram(['integration', 'change-credentials', 'acme'], context)).rejects.toThrow(
    'the secret was changed meanwhile: nothing is stored. Try again',
  );
  expect(world.secret('acme')).toMatchObject({ client_id: 'of another operator', client_secret: 'before' });
});

test('an integration without credentials, and one that does not exist', async () => {
  await expect(change('open')).rejects.toThrow('open needs no credentials: its auth is none');
  await expect(change('acne')).rejects.toThrow('no integration has the id acne');
});
