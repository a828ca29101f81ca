import { expect, test } from '@jest/globals';
import { shortTime as shortTimeOfCli } from '../../commands/shared/time-span.ts';
import { shortTime } from '../../console/short-time.ts';

test('times are as the CLI prints them', () => {
  for (const time of ['2026-01-31T12:00:00.123Z', '2026-01-31T12:00:00Z', '-']) {
    expect(shortTime(time)).toBe(shortTimeOfCli(time));
  }
});
