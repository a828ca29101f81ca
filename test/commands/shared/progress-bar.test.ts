import { beforeEach, expect, test } from '@jest/globals';
import { createProgressBar } from '../../../commands/shared/progress-bar.ts';

let nowMs: number;
let written: string[];

beforeEach(() => {
  nowMs = 1_000_000;
  written = [];
});

function bar(isTTY: boolean, total?: number, unit?: string) {
  const output = { isTTY, write: (text: string) => written.push(text) > 0 };
  const progress = createProgressBar({ total, ...(unit !== undefined && { unit }), output, now: () => nowMs });
  return {
    end: progress.end,
    /** After these milliseconds. */
    report(afterMs: number, done: number) {
      nowMs += afterMs;
      progress.report(done);
    },
  };
}

test('on a terminal one line is drawn again and again, and ended where it stands', () => {
  const progress = bar(true, 1000);
  progress.report(1_000, 50);
  progress.report(4_000, 512);
  progress.report(99, 513);
  progress.report(901, 1000);
  progress.report(1, 1015);
  progress.end();
  expect(written).toEqual([
    '\r[#                   ] 50 of 1,000  50/s\u001b[K',
    '\r[##########          ] 512 of 1,000  102/s\u001b[K',
    '\r[####################] 1,000 of 1,000  167/s\u001b[K',
    '\r[####################] 1,015 of 1,000  169/s\u001b[K',
    '\n',
  ]);
});

test('in a file or a pipe there is a line now and then, without control characters', () => {
  const progress = bar(false, 1000);
  for (let second = 1; second <= 25; second += 1) progress.report(1_000, second * 4);
  progress.end();
  expect(written).toEqual(['40 of 1,000  4.0/s\n', '80 of 1,000  4.0/s\n', '100 of 1,000  4.0/s\n']);
});

test.each([
  [true, 499],
  [false, 9_999],
])('what is over at once shows none (terminal: %s)', (isTTY, lastsMs) => {
  const progress = bar(isTTY, 2);
  progress.report(lastsMs, 2);
  progress.end();
  expect(written).toEqual([]);
});

test.each([
  [undefined, '\r12,345 items read  6,173/s\u001b[K'],
  [0, '\r12,345 of 0 items read  6,173/s\u001b[K'],
])('of a total of %s it only counts', (total, line) => {
  bar(true, total, 'items read').report(2_000, 12_345);
  expect(written).toEqual([line]);
});
