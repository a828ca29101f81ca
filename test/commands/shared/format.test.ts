import { expect, test } from '@jest/globals';
import { counted, formatDuration, oneLine } from '../../../commands/shared/format.ts';

test.each([
  [0, '0 s'],
  [3333, '3.3 s'],
  [119_000, '119 s'],
  [7_140_000, '119 min'],
  [7_200_000, '2 h'],
  [84_907_000, '23.6 h'],
])('%i ms are %s', (ms, expected) => {
  expect(formatDuration(ms)).toBe(expected);
});

test('one is singular', () => {
  const deliveries = [0, 1, 1234].map((count) => counted(count, 'delivery', 'deliveries'));
  expect(deliveries).toEqual(['0 deliveries', '1 delivery', '1,234 deliveries']);
});

test('text from outside stays on its line', () => {
  expect(oneLine(' a\r\n\u2028b\t')).toBe('a b');
});
