import { describe, expect, test } from '@jest/globals';
import { FLAG_BOUNDS, FLAG_KEY, flagSchema } from '../../lambdas/flag/flag-document.ts';
import { FLAG_SEED, INTEGRATIONS_SEED } from '../../lib/flag-seed.ts';

describe('the flag’s seed', () => {
  test('is off, and enables no enterprise if an operator only switches it on', () => {
    const { enabled, ...attributes } = FLAG_SEED.values[FLAG_KEY];
    expect(enabled).toBe(false);
    expect(flagSchema.parse({ enabled: true, ...attributes })).toEqual({
      enabled: true,
      rollout_percentage: 0,
      pilot_enterprises: [],
      cache_ttl_seconds: 3600,
    });
  });

  test('has every attribute that functions read, with the same bounds', () => {
    const { attributes } = FLAG_SEED.flags[FLAG_KEY];
    expect(Object.keys(attributes)).toEqual(Object.keys(flagSchema.shape).filter((name) => name !== 'enabled'));
    expect(attributes.rollout_percentage.constraints).toMatchObject(FLAG_BOUNDS.rolloutPercentage);
    expect(attributes.cache_ttl_seconds.constraints).toMatchObject(FLAG_BOUNDS.cacheTtlSeconds);
  });
});

test('the integrations’ seed is empty', () => {
  expect(INTEGRATIONS_SEED).toEqual({ integrations: [] });
});
