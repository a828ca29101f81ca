import { describe, expect, test } from '@jest/globals';
import { itemBytes } from '../../../lambdas/adapters/dynamodb/item-size.ts';

// The rules are from the DynamoDB Developer Guide, "DynamoDB item sizes and formats".
describe('the size of an item', () => {
  test('is that of its names and texts, in UTF-8', () => {
    expect(itemBytes({})).toBe(0);
    expect(itemBytes({ pk: 'wh_1', é: '字' })).toBe(2 + 4 + 2 + 3);
  });

  test.each([
    [0, 2],
    [7, 2],
    [42, 3],
    [100, 3],
    [1_768_478_400_000, 8],
    [-7, 3],
  ])('counts about a byte for two digits of %s, and one besides', (value, bytes) => {
    expect(itemBytes({ n: value })).toBe(1 + bytes);
  });

  test('counts a byte for null and for booleans', () => {
    expect(itemBytes({ a: true, b: false, c: null })).toBe(3 * 2);
  });

  test('counts three bytes for a list or map, and one for each element', () => {
    expect(itemBytes({ l: [] })).toBe(1 + 3);
    expect(itemBytes({ l: ['ab', 'c'] })).toBe(1 + 3 + (1 + 2) + (1 + 1));
    expect(itemBytes({ m: { ab: 'c', d: ['e'] } })).toBe(1 + 3 + (1 + 2 + 1) + (1 + 1 + 3 + 1 + 1));
  });

  test('leaves out what is not written', () => {
    expect(itemBytes({ a: undefined, m: { b: undefined } })).toBe(1 + 3);
  });
});
