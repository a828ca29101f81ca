import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const MINUTE_MS = 60_000;
const OLD = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

const world = eachTest(startOperatorWorld);
let waits: number[];

beforeEach(() => {
  world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example', auth: { type: 'bearer' } }] });
  world.putSecret('acme', { signing_secrets: [OLD], bearer_token: 'kept', key_of_tomorrow: 1 });
  waits = [];
  world.onSleep = (durationMs) => void waits.push(durationMs);
});

const rotate = (...words: readonly string[]) => runProgram(['integration', 'rotate', 'acme', ...words], world.context);
const signingSecrets = () => world.secret('acme')?.signing_secrets as string[];

test('stores a new secret before the old, waits 20 minutes, asks, and drops the old; nothing is deployed', async () => {
  const versions = world.versions();
  world.answers.push('');
  world.onSleep = (durationMs) => {
    waits.push(durationMs);
    expect(signingSecrets()).toEqual([expect.stringMatching(/^whsec_/), OLD]);
  };
  expect(await rotate()).toBe(0);
  expect(waits).toEqual([20 * MINUTE_MS]);
  expect(world.questions).toEqual([expect.stringContaining('Press Enter')]);
  const [made] = signingSecrets();
  expect(made).not.toBe(OLD);
  expect(world.secret('acme')).toEqual({ signing_secrets: [made], bearer_token: 'kept', key_of_tomorrow: 1 });
  expect(world.printed()).toMatch(/1 of 4[\s\S]*2 of 4[\s\S]*3 of 4[\s\S]*4 of 4/);
  expect(world.versions()).toBe(versions);
  expect(world.printed()).not.toContain('whsec_');
  world.answers.push('');
  world.onSleep = () => {};
  await rotate('--show-secret', '--wait-seconds', '2');
  expect(world.printed()).toContain(`signing secret: ${signingSecrets()[0]}`);
  expect(world.printed()).not.toContain(OLD);
  expect(world.printed()).toContain('until then some sign with the old one alone');
});

test('interrupted while it waits, it continues: no other secret is created, and the rest of the wait stays', async () => {
  world.onSleep = () => {
    throw new Error('Ctrl-C');
  };
  await expect(rotate()).rejects.toThrow('Ctrl-C');
  const during = signingSecrets();
  expect(during).toHaveLength(2);

  world.nowMs += 5 * MINUTE_MS;
  world.onSleep = (durationMs) => void waits.push(durationMs);
  world.answers.push('');
  expect(await rotate()).toBe(0);
  expect(waits).toEqual([15 * MINUTE_MS]);
  expect(signingSecrets()).toEqual([during[0]]);
});

test('without a terminal it ends before the last step, and takes that with --partner-has-switched', async () => {
  await expect(rotate('--partner-has-switched')).rejects.toThrow(/no rotation of acme is in progress/);
  expect(signingSecrets()).toEqual([OLD]);
  expect(await rotate()).toBe(0);
  expect(signingSecrets()).toHaveLength(2);
  expect(world.printed()).toContain('rotate acme --stage local --partner-has-switched');
  expect(await rotate('--partner-has-switched')).toBe(0);
  expect(signingSecrets()).toHaveLength(1);
});

test('a change while the command waits for the partner is not overwritten', async () => {
  const theirs = { signing_secrets: [`whsec_${Buffer.alloc(32, 9).toString('base64')}`, OLD], bearer_token: 'newer' };
  world.context.terminal.ask = async () => {
    world.putSecret('acme', theirs);
    return '';
  };
  await expect(rotate()).rejects.toThrow(/nothing was dropped/);
  expect(world.secret('acme')).toEqual(theirs);
});

test.each([
  ['an unknown id', 'acne', undefined, /there are acme/],
  ['no secret', 'acme', undefined, /there is no secret \/local\/integrations\/acme/],
  [
    'an unusable secret',
    'acme',
    { signing_secrets: ['plain-text-secret'] },
    / has a value of signing_secrets that is not a list of 1 to 5 texts, each whsec_(?!.*plain-text-secret)/,
  ],
])('%s is refused', async (_, id, fields, message) => {
  if (fields === undefined) world.plane.secretsManager.remove('/local/integrations/acme');
  else world.putSecret('acme', fields);
  await expect(runProgram(['integration', 'rotate', id], world.context)).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(message),
  });
});
