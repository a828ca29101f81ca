import { beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const ACME = { id: 'acme', url: 'https://acme.example', auth: { type: 'bearer' } };
const SIGNING = { signing_secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] };

const world = eachTest(startOperatorWorld);

beforeEach(() => {
  world.deploy({ integrations: [ACME] });
});

const validate = (...words: readonly string[]) => runProgram(['integration', 'validate', ...words], world.context);

describe('what is deployed', () => {
  test('entry and secret fit: 0', async () => {
    world.putSecret('acme', { ...SIGNING, bearer_token: 'a-token' });
    expect(await validate()).toBe(0);
    expect(world.printed()).toContain('All entries and secrets fit.');
  });

  test.each([
    ['no secret', undefined, /secret \/local\/integrations\/acme: is not there/],
    [
      'a wrong value, unrepeated',
      { ...SIGNING, bearer_token: 'näh' },
      /acme: the secret has a value of bearer_token that is not a text of 1 to 4096 visible ASCII/,
    ],
    ['no object', ['bearer-value'], /the secret \/local\/integrations\/acme is not a JSON object/],
  ])('%s: 1', async (_, fields, reason) => {
    if (fields !== undefined) world.putSecret('acme', fields);
    expect(await validate()).toBe(1);
    expect(world.printed()).toMatch(reason);
    expect(world.printed()).toContain('1 fault.');
    expect(world.printed()).not.toMatch(/whsec_|näh|bearer-value/);
  });
});

describe('a file', () => {
  test('a document: every fault by its path, without a platform too', async () => {
    world.stopPlatform();
    const faulty = {
      integrations: [
        { ...ACME, region: 'us' },
        { id: 'other', url: 'ftp://x', max_retries: 11 },
      ],
    };
    expect(await validate('--file', world.file('d.json', faulty))).toBe(1);
    for (const place of ['0.region', '1.url', '1.max_retries'])
      expect(world.printed()).toContain(`integrations.${place}: `);
    expect(world.printed()).toContain('The secrets were not looked at');
    expect(world.printed()).toContain('3 faults.');
  });

  test('an entry by itself, and its secret where a platform runs', async () => {
    const file = world.file('entry.json', { ...ACME, id: 'fresh' });
    expect(await validate('--file', file)).toBe(1);
    expect(world.printed()).toContain('secret /local/integrations/fresh: is not there');
    world.putSecret('fresh', { ...SIGNING, bearer_token: 'a-token' });
    expect(await validate('--file', file)).toBe(0);
  });

  test('a faulty entry: the paths begin in it', async () => {
    world.stopPlatform();
    expect(await validate('--file', world.file('entry.json', { ...ACME, url: 'x' }))).toBe(1);
    expect(world.printed()).toMatch(/^ {2}url: must be/m);
  });
});

test('--json: every fault, and the same exit code', async () => {
  expect(await validate('--json')).toBe(1);
  expect(JSON.parse(world.printed())).toEqual({
    from: 'stage local, version 2, deployment 2 (COMPLETE)',
    is_valid: false,
    are_secrets_read: true,
    faults: [expect.stringContaining('is not there')],
  });
});
