import { expect, test } from '@jest/globals';
import { FLAG, withFlag } from '../../../commands/flag/flag-document.ts';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';

const withValues = (values: unknown) => JSON.stringify({ ...FLAG_SEED, values });

test('what AppConfig adds, and attributes of other programs, stay', () => {
  const entry = { enabled: true, cache_ttl_seconds: 60, colour: 'red', _updatedAt: '2026-01-01T00:00:00Z' };
  const document = FLAG.read(withValues({ [FLAG_KEY]: entry }));
  const edited = withFlag(document, { rollout_percentage: 5 });
  const fields = { ...FLAG_SEED, values: { [FLAG_KEY]: { ...entry, rollout_percentage: 5 } } };
  expect(JSON.parse(FLAG.write(edited))).toEqual(fields);
  expect(edited.flag).toEqual({ ...document.flag, rollout_percentage: 5 });
});

test('the last pilot leaves no empty list, which AppConfig would refuse', () => {
  const document = FLAG.read(withValues({ [FLAG_KEY]: { enabled: true, pilot_enterprises: ['a'] } }));
  expect(withFlag(document, { pilot_enterprises: [] }).fields.values).toEqual({ [FLAG_KEY]: { enabled: true } });
});

test('a flag without values is off, and can be switched on', () => {
  const { values: _, ...bare } = FLAG_SEED;
  const document = FLAG.read(JSON.stringify(bare));
  expect(document.flag.enabled).toBe(false);
  expect(withFlag(document, { enabled: true }).fields).toEqual({ ...bare, values: { [FLAG_KEY]: { enabled: true } } });
});

test.each([
  ['no JSON', '{', /\(it is not a JSON object\)/],
  ['no flags', '{"values": {}}', /\(it has no flag enable_webhook_learning_time_enrichment\)/],
  ['values that are a list', withValues([]), /\(values: is not an object\)/],
  ['a flag that is text', withValues({ [FLAG_KEY]: 'on' }), /\(enable_webhook_learning_time_enrichment: .*object/],
  [
    'text in place of a boolean, which is not quoted',
    withValues({ [FLAG_KEY]: { enabled: 'yes' } }),
    /\(enabled: ((?!yes).)*\): fix it in the console, or run ".\/ltw flag revert"/,
  ],
  [
    'two faults',
    withValues({ [FLAG_KEY]: { enabled: true, pilot_enterprises: 'a', cache_ttl_seconds: 1 } }),
    /\(pilot_enterprises: .*; cache_ttl_seconds: /,
  ],
])('is refused: %s', (_, text, message) => {
  expect(() => FLAG.read(text)).toThrow(
    expect.objectContaining({ name: 'CommandFailed', message: expect.stringMatching(message) }),
  );
});
