import { describe, expect, test } from '@jest/globals';
import { evaluate } from '../../../local/cloudwatch/metric-math.ts';

const VALUES: Readonly<Record<string, number>> = { a: 6, b: 2, none_of_it: 0 };
const valueIn = (text: string) => evaluate(text, (id) => VALUES[id]);

describe('an expression', () => {
  test.each([
    ['a + b * 3 - 1', 11],
    ['(a + b) * 3', 24],
    ['a - b - 1', 3],
    ['a / b / 3', 1],
    ['100 * (FILL(b, 0)) / (FILL(a, 0) + FILL(gone, 0))', 200 / 6],
    ['a + b < 8', 0],
    ['IF(FILL(gone, 0) + a >= 6, 100 * b, 0)', 200],
    ['FILL(none_of_it, 5)', 0],
  ])('%s is %d', (text, value) => expect(valueIn(text)).toBeCloseTo(value));

  test.each(['gone', 'gone + a', 'IF(gone, 1, 2)', 'a / none_of_it'])('%s has no value', (text) => {
    expect(valueIn(text)).toBeUndefined();
  });

  test.each(['', 'a +', 'a b', '(a', 'AVG(a)', 'a ? b'])('%j is refused', (text) => {
    expect(() => valueIn(text)).toThrow(SyntaxError);
  });
});
