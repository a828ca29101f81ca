import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createProgressBar } from '../../commands/shared/progress-bar.ts';
import { parseProgress } from '../../console/parse-progress.ts';

/** What the page gets of a bar on a terminal: without control sequences, and without the bar itself. */
const DRAWING = /\p{Cc}(\[K)?|\[[# ]*\] /gu;

/** What a command's progress bar writes last. */
function drawn(done: number, total: number | undefined, unit: string | undefined): string {
  let nowMs = 0;
  let text = '';
  const write = (part: string | Uint8Array) => {
    text = String(part).replaceAll(DRAWING, '');
    return true;
  };
  const bar = createProgressBar({ total, ...(unit && { unit }), output: { isTTY: true, write }, now: () => nowMs });
  nowMs = 2000;
  bar.report(done);
  return text;
}

describe('the progress of a command', () => {
  test('is a part of its total, or a number', () => {
    expect(parseProgress('256 of 1,000  50/s')).toEqual({ percent: 25.6, text: '256 of 1,000', rate: '50/s' });
    expect(parseProgress('1,200 rows read  3.0/s')).toEqual({
      ...{ percent: undefined, text: '1,200 rows read', rate: '3.0/s' },
    });
    expect(parseProgress('3 of 4 days  1.0/s')).toEqual({ percent: 75, text: '3 of 4 days', rate: '1.0/s' });
  });

  test('stays as it is where it says something else', () => {
    for (const text of ['', 'deploying: 20 minutes left', '0 of 0  0.0/s', '<b>1 of 2</b>']) {
      expect(parseProgress(text).percent).toBeUndefined();
    }
    expect(parseProgress('deploying: 20 minutes left').text).toBe('deploying: 20 minutes left');
  });

  test('is read as every progress bar writes it', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 5_000_000 }),
        fc.option(fc.integer({ min: 1, max: 5_000_000 }), { nil: undefined }),
        fc.constantFrom(undefined, 'rows read', 'days'),
        (done, total, unit) => {
          const { percent, rate } = parseProgress(drawn(done, total, unit));
          expect(rate).toMatch(/^[\d.,]+\/s$/);
          if (total === undefined) expect(percent).toBeUndefined();
          else expect(percent).toBeCloseTo(Math.min(100, (done / total) * 100));
        },
      ),
    );
  });
});
