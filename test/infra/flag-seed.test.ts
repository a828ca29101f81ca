import { expect, test } from '@jest/globals';
import { FLAG_KEY, flagSchema } from '../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';

// The seeds are pinned in configuration.test.ts.
test('the flag’s seed has every attribute that functions read, and enables no enterprise if only switched on', () => {
  const { enabled: _, ...attributes } = FLAG_SEED.values[FLAG_KEY];
  const names = Object.keys(flagSchema.shape).filter((name) => name !== 'enabled');
  expect(Object.keys(FLAG_SEED.flags[FLAG_KEY].attributes)).toEqual(names);
  expect(flagSchema.parse({ enabled: true, ...attributes })).toMatchObject({
    rollout_percentage: 0,
    pilot_enterprises: [],
  });
});
