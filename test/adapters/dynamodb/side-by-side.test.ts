import { describe, expect, test } from '@jest/globals';
import { sideBySide } from '../../../lambdas/adapters/dynamodb/side-by-side.ts';

async function* giving<T>(...values: T[]): AsyncGenerator<T> {
  for (const value of values) {
    await new Promise(setImmediate);
    yield value;
  }
}

async function* failing(): AsyncGenerator<number> {
  await new Promise(setImmediate);
  yield 1;
  throw new Error('no more');
}

describe('sources side by side', () => {
  test('give all that each of them gives, each in its order', async () => {
    const given = await Array.fromAsync(sideBySide([giving('a1', 'a2', 'a3'), giving<string>(), giving('b1', 'b2')]));
    expect(given.toSorted()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']);
    expect(given.filter((one) => one.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  });

  test('fail where one of them fails', async () => {
    await expect(Array.fromAsync(sideBySide([failing(), giving(1, 2, 3, 4)]))).rejects.toThrow('no more');
  });

  test('harm nobody when they fail after nobody listens any more', async () => {
    for await (const _ of sideBySide([failing(), failing()])) break;
    // An unhandled rejection would fail this test file.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  });
});
