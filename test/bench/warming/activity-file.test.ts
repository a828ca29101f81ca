import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { activityOfFile } from '../../../bench/warming/activity-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'activity-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(...lines: readonly (object | string)[]): string {
  const path = join(directory, 'week.jsonl');
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
}

describe('real activity', () => {
  // A Saturday.
  const COMPLETED = { active_days: ['2026-01-10', '2026-01-03', '2026-01-09'], completed_at: '2026-01-10T12:30:00Z' };

  test('has completions by the hour of the week, with the learner’s days before', () => {
    const { hourWeights, daysBefore } = activityOfFile(fileOf(COMPLETED));
    const hour = 5 * 24 + 12;
    expect(hourWeights.flatMap((weight, index) => (weight > 0 ? [[index, weight]] : []))).toEqual([[hour, 1]]);
    expect(daysBefore(hour, () => 0)).toEqual([1, 7]);
  });

  test('has rows of learners who did not complete, too', () => {
    const { rowsByAge } = activityOfFile(fileOf(COMPLETED, { active_days: ['2026-01-05'] }, ''));
    // Every learner once after the last activity; one with gaps of 6 days and 1 day.
    expect(rowsByAge.slice(0, 8)).toEqual([4, 3, 3, 3, 3, 3, 2, 2]);
  });

  test.each([
    ['no JSON', '{', /line 1/],
    ['no days', { active_days: [] }, /line 1/],
    ['another field', { active_days: ['2026-01-05'], user: 7 }, /line 1/],
    ['no completion', { active_days: ['2026-01-05'] }, /has no completion/],
  ])('is refused with %s', (_, line, message) => {
    expect(() => activityOfFile(fileOf(line))).toThrow(message);
  });
});
