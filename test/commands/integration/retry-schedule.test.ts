import { beforeEach, expect, test } from '@jest/globals';
import { clockTime, formatSchedule } from '../../../commands/integration/retry-schedule.ts';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import { integration } from '../../support/factories.ts';
import { startOperatorWorld } from '../operator-world.ts';

const START = Date.parse('2026-01-31T22:00:00Z');

test('every attempt in clock time, at the offset of that time, and the total', () => {
  const changeMs = START + 9 * 3_600_000;
  const offset = (ms: number) => (ms < changeMs ? 60 : 120);
  expect(formatSchedule(integration(), 'course_completion', START, offset)).toMatchInlineSnapshot(`
"course_completion
attempt  wait before it  timeout  earliest                    latest
1        -               5 s      2026-01-31 23:00:00 +01:00  2026-01-31 23:00:00 +01:00
2        1 s ±10%        10 s     2026-01-31 23:00:00 +01:00  2026-01-31 23:00:06 +01:00
3        2 s ±10%        15 s     2026-01-31 23:00:02 +01:00  2026-01-31 23:00:18 +01:00
4        4 s ±10%        15 s     2026-01-31 23:00:06 +01:00  2026-01-31 23:00:37 +01:00
5        5 min ±10%      15 s     2026-01-31 23:04:36 +01:00  2026-01-31 23:06:22 +01:00
6        30 min ±10%     15 s     2026-01-31 23:31:36 +01:00  2026-01-31 23:39:37 +01:00
7        2 h ±10%        15 s     2026-02-01 01:19:36 +01:00  2026-02-01 01:51:52 +01:00
8        5 h ±10%        15 s     2026-02-01 05:49:36 +01:00  2026-02-01 07:22:07 +01:00
9        8 h ±10%        15 s     2026-02-01 14:01:36 +02:00  2026-02-01 17:10:22 +02:00
10       8 h ±10%        15 s     2026-02-01 21:13:36 +02:00  2026-02-02 01:58:37 +02:00
total: 10 attempts, 23.6 h of waiting; the last one ends at 2026-02-02 01:58:52 +02:00 at the latest"
`);
  const single = formatSchedule(integration({ max_retries: 0 }), 'course_completion', START, () => 0);
  expect(single).toMatch(/^total: 1 attempt, 0 s of waiting; the last one ends at 2026-01-31 22:00:05 \+00:00 /m);
});

test.each([
  [0, '2026-01-31 22:00:00 +00:00'],
  [-210, '2026-01-31 18:30:00 -03:30'],
  [345, '2026-02-01 03:45:00 +05:45'],
])('clock time at an offset of %i minutes', (offset, expected) => {
  expect(clockTime(START, offset)).toBe(expected);
});

const world = eachTest(startOperatorWorld);
const ACME = { id: 'acme', url: 'https://acme.example' };

beforeEach(() => {
  world.deploy({ integrations: [{ ...ACME, max_retries_by_event_type: { course_enrollment: 1 } }] });
});

const run = (...words: readonly string[]) =>
  runProgram(['retry-schedule', '--integration', 'acme', ...words], world.context);

test('each event type has its own; --event-type prints one alone', async () => {
  expect(await run('--event-type', 'course_enrollment')).toBe(0);
  expect(world.printed()).not.toContain('course_completion');
  expect(await run('--at', '2026-01-31T23:00:00+01:00')).toBe(0);
  expect(world.printed()).toMatch(
    /course_completion\n[\s\S]*total: 10 attempts, 23\.6 h[\s\S]*course_enrollment\n[\s\S]*total: 2 attempts/,
  );
});

test('a document on disk needs no platform, but an entry that fits; --json has UTC and milliseconds', async () => {
  world.stopPlatform();
  const faulty = world.file('faulty.json', { integrations: [{ ...ACME, url: 'x' }] });
  await expect(run('--file', faulty)).rejects.toThrow(/the entry of acme does not fit: url: must be/);
  const file = world.file('integrations.json', { integrations: [{ ...ACME, max_retries: 1 }] });
  await run('--file', file, '--event-type', 'course_completion', '--json', '--at', '2026-01-31T22:00:00Z');
  expect(JSON.parse(world.printed())).toMatchObject({
    integration: 'acme',
    schedules: [
      {
        kind: 'course_completion',
        attempts: [
          { attempt: 1, timeout_ms: 5000, earliest: '2026-01-31T22:00:00.000Z', latest: '2026-01-31T22:00:00.000Z' },
          { attempt: 2, earliest: '2026-01-31T22:00:00.900Z', latest: '2026-01-31T22:00:06.100Z' },
        ],
        total_wait_ms: 1000,
      },
    ],
  });
});
