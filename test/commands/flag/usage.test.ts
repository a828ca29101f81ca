import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type FlagWorld, startFlagWorld } from './flag-world.ts';

let operator: FlagWorld;

beforeAll(async () => {
  operator = await startFlagWorld();
});

afterAll(() => operator.close());

const run = (...words: readonly string[]) => operator.run(...words);

test.each([
  [[]],
  [['sometimes']],
  [['enable', 'now']],
  [['percent']],
  [['percent', '101']],
  [['percent', '-1']],
  [['percent', '12.5']],
  [['percent', '1e1']],
  [['percent', '']],
  [['percent', '5', '6']],
  [['ttl', '59']],
  [['ttl', '86401']],
  [['ttl', 'hour']],
  [['pilot']],
  [['pilot', 'add']],
  [['pilot', 'replace', 'a']],
  [['pilot', 'add', 'a', 'b c']],
  [['pilot', 'add', 'a'.repeat(65)]],
  [['pilot', 'remove', 'a:b']],
  [['enable', '--yes']],
  [['status', '--dry-run']],
  [['disable', 'please']],
  [['revert', '2']],
])('%j is a usage error, and changes nothing', async (words) => {
  await expect(run(...words)).rejects.toMatchObject({ name: 'UsageError' });
  expect(operator.versions()).toBe(1);
});
