import { beforeEach, describe, expect, test } from '@jest/globals';
import { createProgressBar } from '../../../commands/shared/progress-bar.ts';

let nowMs: number;
let written: string[];

beforeEach(() => {
  nowMs = 1_000_000;
  written = [];
});

function bar(isTTY: boolean, total?: number, unit?: string) {
  const output = { isTTY, write: (text: string) => written.push(text) > 0 };
  return createProgressBar({ total, ...(unit !== undefined && { unit }), output, now: () => nowMs });
}

describe('on a terminal', () => {
  test('one line is drawn again and again, and ended where it stands', () => {
    const progress = bar(true, 1000);
    nowMs += 1_000;
    progress.report(50);
    nowMs += 4_000;
    progress.report(512);
    nowMs += 1_000;
    progress.report(1000);
    progress.end();
    expect(written).toEqual([
      '\r[#                   ] 50 of 1,000  50/s\u001b[K',
      '\r[##########          ] 512 of 1,000  102/s\u001b[K',
      '\r[####################] 1,000 of 1,000  167/s\u001b[K',
      '\r[####################] 1,000 of 1,000  167/s\u001b[K',
      '\n',
    ]);
  });

  test('no more than ten times a second, and the end shows what came last', () => {
    const progress = bar(true, 100);
    nowMs += 600;
    for (let done = 1; done <= 60; done += 1) {
      progress.report(done);
      nowMs += 5;
    }
    expect(written).toHaveLength(3);
    progress.end();
    expect(written.at(-2)).toContain('60 of 100');
  });

  test('what is over at once shows none', () => {
    const progress = bar(true, 2);
    progress.report(1);
    nowMs += 100;
    progress.report(2);
    progress.end();
    expect(written).toEqual([]);
  });

  test('more than there were, and none at all, do not break it', () => {
    const progress = bar(true, 10);
    nowMs += 1_000;
    progress.report(15);
    expect(written).toEqual(['\r[####################] 15 of 10  15/s\u001b[K']);
    const empty = bar(true, 0);
    nowMs += 1_000;
    empty.report(0);
    expect(written.at(-1)).toBe('\r0 of 0  0.0/s\u001b[K');
  });
});

test('where nobody knows how many there are, it counts', () => {
  const progress = bar(true, undefined, 'items read');
  nowMs += 2_000;
  progress.report(12_345);
  expect(written).toEqual(['\r12,345 items read  6,173/s\u001b[K']);
});

describe('in a file or a pipe', () => {
  test('a line now and then, no control characters', () => {
    const progress = bar(false, 1000);
    for (let second = 1; second <= 25; second += 1) {
      nowMs += 1_000;
      progress.report(second * 4);
    }
    progress.end();
    expect(written).toEqual(['40 of 1,000  4.0/s\n', '80 of 1,000  4.0/s\n', '100 of 1,000  4.0/s\n']);
  });

  test('nothing where it is over sooner', () => {
    const progress = bar(false, 1000);
    nowMs += 9_000;
    progress.report(1000);
    progress.end();
    expect(written).toEqual([]);
  });
});
