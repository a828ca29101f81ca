import { describe, expect, test } from '@jest/globals';
import { createCachedValue, onePerKey } from '../../lambdas/shared/cache.ts';

/** A reading that counts how often it was made, on a clock that the test moves. */
function reading(read: (count: number) => Promise<number> = async (count) => count) {
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
  return { ...cached, ask: cached.get, clock, made: () => count };
}

describe('a reading', () => {
  test('is made when it is asked for, and answered again while it is good', async () => {
    const { ask, clock, made } = reading();
    expect(made()).toBe(0);
    expect(await ask()).toBe(1);
    clock.nowMs += 49;
    expect(await ask()).toBe(1);
    clock.nowMs += 1;
    expect(await ask()).toBe(2);
    expect(made()).toBe(2);
  });

  test('is shared by those who ask while it is under way', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { ask, clock, made } = reading(() => promise);
    const first = ask();
    clock.nowMs += 1000;
    const second = ask();
    resolve(1);
    expect([await first, await second, made()]).toEqual([1, 1, 1]);
  });

  test('that fails is not kept', async () => {
    const { ask } = reading(async (count) => {
      if (count === 1) throw new Error('no');
      return count;
    });
    await expect(ask()).rejects.toThrow('no');
    expect(await ask()).toBe(2);
  });

  test('that was frozen for longer than it may take is not waited for, and does not replace a later one', async () => {
    const frozen = Promise.withResolvers<number>();
    const { ask, clock, peek } = reading((count) => (count === 1 ? frozen.promise : Promise.resolve(count)));
    const first = ask();
    clock.nowMs += 2000;
    expect(await ask()).toBe(2);
    frozen.resolve(1);
    expect(await first).toBe(1);
    expect(peek()).toBe(2);
  });

  test('that is dropped is made again', async () => {
    const { ask, drop, peek } = reading();
    await ask();
    drop();
    expect(peek()).toBeUndefined();
    expect(await ask()).toBe(2);
  });

  test('is created again if the clock was set back', async () => {
    const { ask, clock } = reading();
    await ask();
    clock.nowMs -= 3600_000;
    expect(await ask()).toBe(2);
  });
});

test('one value for each key is made once; beyond the bound, the oldest is made again', () => {
  const made: string[] = [];
  const value = onePerKey((key, ending: string) => {
    made.push(key);
    return key + ending;
  }, 2);
  const values = ['a', 'a', 'b', 'a', 'c', 'b', 'a'].map((key) => value(key, '!'));
  expect(values).toEqual(['a!', 'a!', 'b!', 'a!', 'c!', 'b!', 'a!']);
  expect(made).toEqual(['a', 'b', 'c', 'a']);
});
