import { describe, expect, test } from '@jest/globals';
import { FLAG, withFlag } from '../../../commands/flag/flag-document.ts';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';

const seed = JSON.stringify(FLAG_SEED);

test('the seed, as functions get it, and written it is the same', () => {
  expect(JSON.parse(FLAG.write(FLAG.read(seed)))).toEqual(FLAG_SEED);
  expect(FLAG.read(seed).flag).toEqual({
    enabled: false,
    rollout_percentage: 0,
    pilot_enterprises: [],
    cache_ttl_seconds: 3600,
  });
});

test('what AppConfig adds, and attributes that are not ours, stay', () => {
  const entry = { enabled: true, cache_ttl_seconds: 60, colour: 'red', _updatedAt: '2026-01-01T00:00:00Z' };
  const document = FLAG.read(JSON.stringify({ ...FLAG_SEED, values: { [FLAG_KEY]: entry } }));
  const edited = withFlag(document, { rollout_percentage: 5 });
  expect(edited.fields.values).toEqual({ [FLAG_KEY]: { ...entry, rollout_percentage: 5 } });
  expect(edited.flag).toEqual({ ...document.flag, rollout_percentage: 5 });
});

test('a flag without values is off, and can be switched on', () => {
  const { values: _, ...bare } = FLAG_SEED;
  const document = FLAG.read(JSON.stringify(bare));
  expect(document.flag.enabled).toBe(false);
  expect(withFlag(document, { enabled: true }).fields).toEqual({ ...bare, values: { [FLAG_KEY]: { enabled: true } } });
});

describe('nonsense is told with its place, and without its values', () => {
  const withValues = (values: unknown) => JSON.stringify({ ...FLAG_SEED, values });

  test.each([
    ['no JSON', '{', /\(it is not JSON\)/],
    ['a list', '[]', /\(it is not a JSON object\)/],
    ['no flags', '{"values": {}}', /\(it has no flag enable_webhook_learning_time_enrichment\)/],
    ['values of no kind', withValues([]), /\(values: is not an object\)/],
    ['a text as flag', withValues({ [FLAG_KEY]: 'on' }), /\(enable_webhook_learning_time_enrichment: .*object/],
    ['no switch, as a flag with variants has none', withValues({ [FLAG_KEY]: { _variants: [] } }), /\(enabled: /],
    [
      'a text as switch',
      withValues({ [FLAG_KEY]: { enabled: 'yes' } }),
      /\(enabled: [^']*\): fix it in the console, or ".\/ltw flag revert"/,
    ],
    [
      'two faults',
      withValues({ [FLAG_KEY]: { enabled: true, pilot_enterprises: 'a', cache_ttl_seconds: 1 } }),
      /\(pilot_enterprises: .*; cache_ttl_seconds: /,
    ],
  ])('%s', (_, text, message) => {
    expect(() => FLAG.read(text)).toThrow(
      expect.objectContaining({ name: 'CommandFailed', message: expect.stringMatching(message) }),
    );
  });
});
