import { beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const MINUTE_MS = 60_000;
const OLD = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

const world = eachTest(startOperatorWorld);

beforeEach(() => {
  world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example', auth: { type: 'bearer' } }] });
  world.putSecret('acme', { signing_secrets: [OLD], bearer_token: 'kept', key_of_tomorrow: 1 });
});

const rotate = (...words: readonly string[]) => runProgram(['integration', 'rotate', 'acme', ...words], world.context);
const signingSecrets = () => world.secret('acme')?.signing_secrets as string[];

describe('integration rotate', () => {
  test('stores a new one before the old, waits 20 minutes, asks, and drops the old; nothing is deployed', async () => {
    const versions = world.versions();
    const waits: number[] = [];
    world.answers.push('');
    world.onSleep = (durationMs) => {
      waits.push(durationMs);
      expect(signingSecrets()).toEqual([expect.stringMatching(/^whsec_/), OLD]);
    };
    expect(await rotate()).toBe(0);
    expect(waits).toEqual([20 * MINUTE_MS]);
    expect(world.questions).toEqual([expect.stringContaining('Press Enter')]);
    const [made, ...others] = signingSecrets();
    expect(others).toEqual([]);
    expect(made).not.toBe(OLD);
    expect(world.secret('acme')).toEqual({ signing_secrets: [made], bearer_token: 'kept', key_of_tomorrow: 1 });
    expect(world.printed()).toMatch(/1 of 4[\s\S]*2 of 4[\s\S]*3 of 4[\s\S]*4 of 4/);
    expect(world.versions()).toBe(versions);
  });

  test('prints no secret, unless it is asked to', async () => {
    world.answers.push('');
    await rotate();
    expect(world.printed()).not.toContain('whsec_');
    world.answers.push('');
    await rotate('--show-secret');
    expect(world.printed()).toContain(`signing secret: ${signingSecrets()[0]}`);
    expect(world.printed()).not.toContain(OLD);
  });

  test('interrupted while it waits, it goes on from there: no other secret is made', async () => {
    world.onSleep = () => {
      throw new Error('Ctrl-C');
    };
    await expect(rotate()).rejects.toThrow('Ctrl-C');
    const during = signingSecrets();
    expect(during).toHaveLength(2);

    world.nowMs += 5 * MINUTE_MS;
    const waits: number[] = [];
    world.onSleep = (durationMs) => void waits.push(durationMs);
    world.answers.push('');
    expect(await rotate()).toBe(0);
    expect(waits).toEqual([15 * MINUTE_MS]);
    expect(signingSecrets()).toEqual([during[0]]);
  });

  test('where nobody can be asked it ends before the last step, and takes it when told that the partner has switched', async () => {
    expect(await rotate()).toBe(0);
    expect(signingSecrets()).toHaveLength(2);
    expect(world.printed()).toContain('rotate acme --stage local --partner-has-switched');
    expect(await rotate('--partner-has-switched')).toBe(0);
    expect(signingSecrets()).toHaveLength(1);
  });

  test('a partner cannot have switched to what does not exist yet', async () => {
    await expect(rotate('--partner-has-switched')).rejects.toThrow(/no rotation of acme is under way/);
    expect(signingSecrets()).toEqual([OLD]);
  });

  test('what somebody changed while the partner was asked is neither lost nor dropped', async () => {
    const theirs = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    world.context.terminal.ask = async () => {
      world.putSecret('acme', { signing_secrets: [theirs, OLD], bearer_token: 'newer' });
      return '';
    };
    await expect(rotate()).rejects.toThrow(/nothing was dropped/);
    expect(world.secret('acme')).toEqual({ signing_secrets: [theirs, OLD], bearer_token: 'newer' });
  });

  test('a shorter wait is for trying it out: it warns', async () => {
    world.answers.push('');
    await rotate('--wait-seconds', '2');
    expect(world.printed()).toContain('shorter than functions keep a secret');
  });

  test.each([
    ['an unknown id', 'acne', undefined, /there are acme/],
    ['no secret', 'acme', undefined, /there is no secret \/local\/integrations\/acme/],
    [
      'an unusable secret',
      'acme',
      { signing_secrets: ['plain-text-secret'] },
      / has a value of signing_secrets that is not a list of 1 to 5 texts, each whsec_/,
    ],
  ])('%s is told in words', async (_, id, fields, reason) => {
    if (fields === undefined) world.plane.secretsManager.remove('/local/integrations/acme');
    else world.putSecret('acme', fields);
    const refused = expect(runProgram(['integration', 'rotate', id], world.context)).rejects;
    await refused.toMatchObject({ name: 'CommandFailed', message: expect.stringMatching(reason) });
    expect(world.printed()).not.toContain('plain-text-secret');
  });
});
