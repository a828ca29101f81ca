import { expect, test } from '@jest/globals';
import { createCachedValue, onePerKey } from '../../lambdas/shared/cache.ts';

/** A cached value with the number of its reads, on a clock that the test moves. The first one is kept for 50 ms. */
function world(read: (count: number) => Promise<number> = async (count) => count) {
  const clock = { nowMs: 1_000_000 };
  let count = 0;
  const cached = createCachedValue({
    read() {
      count += 1;
      return read(count);
    },
    keepMs: (value) => (value === 1 ? 50 : 10),
    now: () => clock.nowMs,
    readLimitMs: 2000,
  });
  return { ...cached, clock, reads: () => count };
}

test('a value is read on demand, and kept for its own time from the start of its read', async () => {
  const { get, clock, reads } = world();
  expect(reads()).toBe(0);
  expect(await get()).toBe(1);
  clock.nowMs += 49;
  expect(await get()).toBe(1);
  clock.nowMs += 1;
  expect(await get()).toBe(2);
  clock.nowMs += 10;
  expect(await get()).toBe(3);
});

test('concurrent callers share one read', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const { get, clock, reads } = world(() => promise);
  const first = get();
  clock.nowMs += 1000;
  const second = get();
  resolve(1);
  expect([await first, await second, reads()]).toEqual([1, 1, 1]);
});

test('a failure is not cached', async () => {
  const { get } = world(async (count) => {
    if (count === 1) throw new Error('no');
    return count;
  });
  await expect(get()).rejects.toThrow('no');
  expect(await get()).toBe(2);
});

test('a read that was frozen is not shared, and does not replace a later value', async () => {
  const frozen = Promise.withResolvers<number>();
  const { get, clock, peek } = world((count) => (count === 1 ? frozen.promise : Promise.resolve(count)));
  const first = get();
  clock.nowMs += 2000;
  expect(await get()).toBe(2);
  frozen.resolve(1);
  expect(await first).toBe(1);
  expect(peek()).toBe(2);
});

test('a dropped value is read again, and so is one after the clock was set back', async () => {
  const { get, drop, peek, clock } = world();
  await get();
  drop();
  expect(peek()).toBeUndefined();
  expect(await get()).toBe(2);
  clock.nowMs -= 3600_000;
  expect(await get()).toBe(3);
});

test('each key has one value; beyond the limit the oldest is created again', () => {
  const created: string[] = [];
  const value = onePerKey((key, ending: string) => {
    created.push(key);
    return key + ending;
  }, 2);
  const values = ['a', 'a', 'b', 'a', 'c', 'b', 'a'].map((key) => value(key, '!'));
  expect(values).toEqual(['a!', 'a!', 'b!', 'a!', 'c!', 'b!', 'a!']);
  expect(created).toEqual(['a', 'b', 'c', 'a']);
});
