import { beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { integrationSecretSchema } from '../../../lambdas/partners/integration-secret.ts';
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

describe('with --grace', () => {
  const OLDER = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
  const DAY_MS = 24 * 60 * MINUTE_MS;
  const ending = (secret: string, not_after: string) => ({ secret, not_after });

  test('stores a new secret before the old, which ends by itself; the next rotation removes it', async () => {
    expect(await rotate('--grace', '24h', '--show-secret')).toBe(0);
    const [made] = signingSecrets();
    const signing_secrets = [made, ending(OLD, '2026-01-16T12:00:00Z')];
    expect(world.secret('acme')).toEqual({ signing_secrets, bearer_token: 'kept', key_of_tomorrow: 1 });
    expect(integrationSecretSchema.safeParse(world.secret('acme')).success).toBe(true);
    expect({ waits, questions: world.questions }).toEqual({ waits: [], questions: [] });
    expect(world.printed()).toContain('ends at 2026-01-16T12:00:00Z');
    expect(world.printed()).toContain('By 2026-01-15T12:20:00Z every webhook is signed with both.\n');
    expect(world.printed()).toContain(`signing secret: ${made}`);

    world.nowMs += DAY_MS + 5 * MINUTE_MS;
    expect(await rotate('--grace', '1h')).toBe(0);
    expect(signingSecrets()).toEqual([expect.stringMatching(/^whsec_/), ending(String(made), '2026-01-16T13:05:00Z')]);
    expect(world.printed()).toContain('removed because it had ended: 1');
  });

  test('while two sign, moves the end of the older, and makes no third', async () => {
    await rotate('--grace', '24h');
    const [made] = signingSecrets();
    world.nowMs += DAY_MS + 5 * MINUTE_MS - 1;
    expect(await rotate('--grace', '30d')).toBe(0);
    expect(signingSecrets()).toEqual([made, ending(OLD, '2026-02-15T12:05:00Z')]);
    expect(world.printed()).toContain('no further one is made');
    world.putSecret('acme', { signing_secrets: [ending(OLD, '2026-01-18T12:00:00Z'), OLDER] });
    await rotate('--grace', '1m');
    expect(signingSecrets()).toEqual([OLD, ending(OLDER, '2026-01-16T12:06:00Z')]);
    expect(world.printed()).toContain('Until then some functions may sign with the old one alone');
  });

  test('a secret whose signing secrets have all ended gets an old one that still signs', async () => {
    world.putSecret('acme', {
      signing_secrets: [ending(OLD, '2026-01-01T00:00:00Z'), ending(OLDER, '2026-01-02T00:00:00Z')],
    });
    await rotate('--wait-seconds', '0');
    expect(signingSecrets()).toEqual([expect.stringMatching(/^whsec_/), OLD]);
    expect(world.printed()).toContain('removed because it had ended: 1');
  });

  test('the rotation without it continues, and may end the old one earlier', async () => {
    await rotate('--grace', '24h');
    const [made] = signingSecrets();
    expect(await rotate()).toBe(0);
    expect(world.printed()).toContain('The old one ends at 2026-01-16T12:00:00Z, or once the partner has switched');
    expect(await rotate('--partner-has-switched')).toBe(0);
    expect(signingSecrets()).toEqual([made]);
  });
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
