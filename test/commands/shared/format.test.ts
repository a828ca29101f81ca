import { expect, test } from '@jest/globals';
import { alignColumns, counted, formatDuration, oneLine } from '../../../commands/shared/format.ts';

test.each([
  [0, '0 s'],
  [1000, '1 s'],
  [3333, '3.3 s'],
  [119_000, '119 s'],
  [300_000, '5 min'],
  [7_140_000, '119 min'],
  [7_200_000, '2 h'],
  [84_907_000, '23.6 h'],
])('%i ms are %s', (ms, expected) => {
  expect(formatDuration(ms)).toBe(expected);
});

test.each([
  [0, '0 deliveries'],
  [1, '1 delivery'],
  [1234, '1,234 deliveries'],
])('%i: %s', (count, expected) => {
  expect(counted(count, 'delivery', 'deliveries')).toBe(expected);
});

test('text from outside stays on its line', () => {
  expect(oneLine(' a\r\n\u2028b\t')).toBe('a b');
});

test('columns are as wide as their widest cell', () => {
  expect(
    alignColumns([
      ['a', 'long'],
      ['wide', 'b'],
    ]),
  ).toBe('a     long\nwide  b');
});
