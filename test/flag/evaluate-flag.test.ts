import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucket, configVersion, evaluateFlag, overridden, parseFlag } from '../../lambdas/flag/evaluate-flag.ts';
import { FLAG_KEY, type Flag } from '../../lambdas/flag/flag-document.ts';

const OFF: Flag = { enabled: false, rollout_percentage: 0, pilot_enterprises: [], cache_ttl_seconds: 3600 };
const document = (entry: unknown) => JSON.stringify({ [FLAG_KEY]: entry });
const flagAt = (rollout_percentage: number, pilot_enterprises: string[] = []): Flag => ({
  ...OFF,
  enabled: true,
  rollout_percentage,
  pilot_enterprises,
});

describe('parseFlag', () => {
  test('reads an enabled flag with its attributes', () => {
    const entry = { enabled: true, rollout_percentage: 25, pilot_enterprises: ['a'], cache_ttl_seconds: 600 };
    expect(parseFlag(document(entry))).toEqual({ flag: entry, faults: [], isUnusable: false });
  });

  test('an attribute that is not set has its default and is no fault', () => {
    expect(parseFlag(document({ enabled: false }))).toEqual({ flag: OFF, faults: [], isUnusable: false });
    expect(parseFlag(document({ enabled: true }))).toMatchObject({ flag: { ...OFF, enabled: true }, faults: [] });
  });

  test.each([
    ['not JSON', 'enabled: true', true],
    ['a list', '[{"enabled":true}]', true],
    ['without the flag, which an operator deleted', '{"another_flag":{"enabled":true}}', false],
    ['null for the flag', document(null), false],
    ['no enabled', document({ rollout_percentage: 100 }), true],
    ['enabled as text', document({ enabled: 'true', rollout_percentage: 100 }), true],
    ['off, with an invalid percentage', document({ enabled: false, rollout_percentage: 900 }), false],
  ])('%s: off, with one fault', (_, text, isUnusable) => {
    expect(parseFlag(text)).toEqual({ flag: OFF, faults: [expect.any(String)], isUnusable });
  });

  test.each([
    ['rollout_percentage', 101, 0],
    ['rollout_percentage', -1, 0],
    ['rollout_percentage', 12.5, 0],
    ['rollout_percentage', '50', 0],
    ['rollout_percentage', null, 0],
    ['pilot_enterprises', 'all', []],
    ['pilot_enterprises', ['a', 1], []],
    ['cache_ttl_seconds', 59, 3600],
    ['cache_ttl_seconds', 86_401, 3600],
    ['cache_ttl_seconds', true, 3600],
  ])('%s %j gets its safe default, and the others stay', (name, value, fallback) => {
    const sound = { enabled: true, rollout_percentage: 40, pilot_enterprises: ['p'], cache_ttl_seconds: 120 };
    expect(parseFlag(document({ ...sound, [name]: value }))).toEqual({
      flag: { ...sound, [name]: fallback },
      faults: [expect.stringContaining(`${name}: `)],
      isUnusable: true,
    });
  });

  test('it never throws, and returns a flag within its bounds', () => {
    const anyText = fc.oneof(fc.string(), fc.json(), fc.jsonValue().map(document));
    const anyEntry = fc.record({
      enabled: fc.boolean(),
      rollout_percentage: fc.jsonValue(),
      pilot_enterprises: fc.jsonValue(),
      cache_ttl_seconds: fc.jsonValue(),
    });
    const property = fc.property(fc.oneof(anyText, anyEntry.map(document)), (text) => {
      const { flag } = parseFlag(text);
      expect(flag.rollout_percentage).toBeGreaterThanOrEqual(0);
      expect(flag.rollout_percentage).toBeLessThanOrEqual(100);
      expect(flag.cache_ttl_seconds).toBeGreaterThanOrEqual(60);
      expect(flag.cache_ttl_seconds).toBeLessThanOrEqual(86_400);
      expect(flag.pilot_enterprises.every((pilot) => typeof pilot === 'string')).toBe(true);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

const isOn = (flag: Flag, id: string) => evaluateFlag(flag, id).isOn;

describe('evaluateFlag', () => {
  const enterprise = fc.oneof(fc.uuid(), fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/));
  const percentage = fc.integer({ min: 0, max: 100 });

  test('a pilot is on at 0 percent, in any form of its UUID', () => {
    const dashed = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890';
    for (const pasted of [
      dashed,
      dashed.toUpperCase(),
      dashed.replaceAll('-', ''),
      'A1B2C3D4E5F67890ABCDEF1234567890',
      ` ${dashed}\n`,
    ]) {
      const { flag } = parseFlag(JSON.stringify({ [FLAG_KEY]: { enabled: true, pilot_enterprises: [pasted] } }));
      expect(isOn(flag, dashed)).toBe(true);
      expect(isOn(flag, dashed.replace('a', 'b'))).toBe(false);
    }
  });

  test('raising the percentage never removes an enterprise, lowering it never adds one', () => {
    const property = fc.property(enterprise, percentage, percentage, (id, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      return !isOn(flagAt(low), id) || isOn(flagAt(high), id);
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('returns the reason', () => {
    const why = (flag: Flag) => evaluateFlag(flag, 'me');
    expect(why({ ...flagAt(100, ['me']), enabled: false })).toEqual({ isOn: false, reason: 'off' });
    expect(why(flagAt(100, ['me']))).toEqual({ isOn: true, reason: 'pilot' });
    expect(why(flagAt(100))).toEqual({ isOn: true, reason: 'within_percentage' });
    expect(why(flagAt(0, ['you']))).toEqual({ isOn: false, reason: 'beyond_percentage' });
  });
});

describe('configVersion', () => {
  test('is the label of the version', () => {
    expect(configVersion(flagAt(10), 'pilot-2026-01')).toBe('pilot-2026-01');
  });

  test.each([undefined, '', 'with spaces', 'x'.repeat(65), 'zwölf'])('is a hash where the label is %j', (label) => {
    expect(configVersion(flagAt(10), label)).toMatch(/^content-[0-9a-f]{12}$/);
    expect(configVersion(flagAt(10), label)).toBe(configVersion(flagAt(10), undefined));
  });

  test('changes with every change of the content', () => {
    const flags = [OFF, flagAt(0), flagAt(1), flagAt(1, ['a']), flagAt(1, ['a', 'b']), flagAt(1, ['b', 'a'])];
    const versions = [...flags, { ...OFF, cache_ttl_seconds: 60 }].map((one) => configVersion(one, undefined));
    expect(new Set(versions).size).toBe(versions.length);
  });
});

test('an override applies to all enterprises, and is named override', () => {
  const on = overridden(OFF, true);
  expect([isOn(on, 'any enterprise'), on.config_version]).toEqual([true, 'override']);
  expect(isOn(overridden(flagAt(100, ['me']), false), 'me')).toBe(false);
});

describe('bucket', () => {
  test('spreads 100,000 ids evenly, with any prefix: 1% in each percent', () => {
    const property = fc.property(fc.stringMatching(/^[a-z0-9-]{0,20}$/), (prefix) => {
      const counts = new Array<number>(100).fill(0);
      for (let index = 0; index < 100_000; index += 1) {
        const percent = Math.floor(bucket(`${prefix}${index}`));
        counts[percent] = Number(counts[percent]) + 1;
      }
      // Six standard deviations of a fair draw, sqrt(100,000 x 0.01 x 0.99) = 31.5: one run in five million fails by chance.
      for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(6 * 31.5);
    });
    fc.assert(property, { numRuns: 1 });
  });

  test('is stable between releases: a change would switch enterprises', () => {
    const id = '0b5f8f7e-7d52-4b8f-9f0e-5d1a7a1c2e3f';
    expect(bucket(id)).toBeCloseTo(0.545039, 6);
    expect([isOn(flagAt(0), id), isOn(flagAt(1), id)]).toEqual([false, true]);
  });
});
