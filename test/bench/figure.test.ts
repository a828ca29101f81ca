import { describe, expect, test } from '@jest/globals';
import { figure, formatFigures } from '../../bench/figure.ts';

const named = { name: 'some.figure', unit: 'events/s' };
const baselineOf = (values: readonly number[]) => ({ name: 'bare loop', values });

describe('a figure', () => {
  test('has the median of its runs, and of the ratios of each run, so that load that slows both does not change it', () => {
    const found = figure({ ...named, values: [50, 5, 500], baseline: baselineOf([100, 10, 1000]) });
    expect(found).toMatchObject({ value: 50, baseline: 100, against: 'bare loop', ratio: 0.5, runs: 3, target: null });
    expect(found.spread).toEqual({ min: 0.5, max: 0.5 });
    expect(figure({ ...named, values: [4, 1, 3] }).spread).toEqual({ min: 1, max: 4 });
  });

  test.each([
    ['at least', 0.5, true],
    ['at least', 0.51, false],
    ['at most', 0.5, true],
    ['at most', 0.49, false],
  ] as const)('is met where its ratio of 0.5 is to be %s %d: %s', (is, bound, isMet) => {
    const target = { of: 'ratio', is, bound } as const;
    expect(figure({ ...named, values: [50], baseline: baselineOf([100]), target }).isMet).toBe(isMet);
  });

  test('may have a target for its value', () => {
    const target = { of: 'value', is: 'at most', bound: 200 } as const;
    expect(figure({ ...named, values: [200], target }).isMet).toBe(true);
    expect(figure({ ...named, values: [201], target }).isMet).toBe(false);
  });

  test('needs a baseline for each value, and for a target for its ratio', () => {
    expect(() => figure({ ...named, values: [1, 2], baseline: baselineOf([1]) })).toThrow('2 values and 1');
    expect(() => figure({ ...named, values: [1], target: { of: 'ratio', is: 'at least', bound: 1 } })).toThrow(
      'without a baseline',
    );
  });
});

test('a table of figures has three significant digits, aligned to the right, and whether a target is met', () => {
  const table = formatFigures([
    figure({ ...named, values: [12_345.6], target: { of: 'value', is: 'at least', bound: 20_000 } }),
    figure({ ...named, values: [0.01234], baseline: baselineOf([0.1]) }),
  ]);
  const [, first, second] = table.split('\n').map((line) => line.split(/\s{2,}/));
  expect(first).toEqual(['some.figure', '12346', 'events/s', '12346', '12346', '1', '≥ 20000', 'no']);
  expect(second).toEqual(['some.figure', '0.0123', 'events/s', '0.100', '0.123', '0.123', '0.123', '1']);
});
