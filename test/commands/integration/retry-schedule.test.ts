import { beforeEach, describe, expect, test } from '@jest/globals';
import { clockTime, formatSchedule } from '../../../commands/integration/retry-schedule.ts';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { integration } from '../../support/factories.ts';
import { startOperatorWorld } from '../operator-world.ts';

const START = Date.parse('2026-01-31T22:00:00Z');

test('every try in clock time, with what comes before it, and the total budget', () => {
  const text = formatSchedule(integration(), 'course_completion', START, () => 60);
  expect(text).toMatchInlineSnapshot(`
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
9        8 h ±10%        15 s     2026-02-01 13:01:36 +01:00  2026-02-01 16:10:22 +01:00
10       8 h ±10%        15 s     2026-02-01 20:13:36 +01:00  2026-02-02 00:58:37 +01:00
total: 10 attempts, 23.6 h of waiting; at the latest given up at 2026-02-02 00:58:52 +01:00"
`);
});

test('a single attempt', () => {
  const text = formatSchedule(integration({ max_retries: 0 }), 'course_completion', START, () => 0);
  expect(text).toMatch(/^total: 1 attempt, 0 s of waiting; at the latest given up at 2026-01-31 22:00:05 \+00:00$/m);
});

test('the offset is that of each moment: a night with a clock change shows both', () => {
  const changeMs = START + 3_600_000;
  const text = formatSchedule(integration(), 'course_completion', START, (ms) => (ms < changeMs ? 60 : 120));
  expect(text).toContain('+01:00');
  expect(text).toContain('+02:00');
});

test.each([
  [0, '2026-01-31 22:00:00 +00:00'],
  [-210, '2026-01-31 18:30:00 -03:30'],
  [345, '2026-02-01 03:45:00 +05:45'],
])('clock time at an offset of %i minutes', (offset, expected) => {
  expect(clockTime(START, offset)).toBe(expected);
});

describe('./ltw retry-schedule', () => {
  const world = eachTest(startOperatorWorld);

  beforeEach(() => {
    world.deploy({
      integrations: [{ id: 'acme', url: 'https://acme.example', max_retries_by_event_type: { course_enrollment: 1 } }],
    });
  });

  const run = (...words: readonly string[]) =>
    runProgram(['retry-schedule', '--integration', 'acme', ...words], world.context);

  test('each type of event has its own', async () => {
    expect(await run('--at', '2026-01-31T23:00:00+01:00')).toBe(0);
    expect(world.printed()).toMatch(
      /course_completion\n[\s\S]*total: 10 attempts, 23\.6 h[\s\S]*course_enrollment\n[\s\S]*total: 2 attempts/,
    );
  });

  test('one type alone', async () => {
    await run('--event-type', 'course_enrollment');
    expect(world.printed()).not.toContain('course_completion');
  });

  test('a document on disk needs no platform', async () => {
    world.stopPlatform();
    const file = world.file('d.json', { integrations: [{ id: 'acme', url: 'https://acme.example', max_retries: 2 }] });
    expect(await run('--file', file)).toBe(0);
    expect(world.printed()).toContain('total: 3 attempts');
  });

  test('an entry that does not fit, an unknown id', async () => {
    const file = world.file('d.json', { integrations: [{ id: 'acme', url: 'x' }] });
    await expect(run('--file', file)).rejects.toThrow(/the entry of acme does not fit: url: must be/);
    await expect(runProgram(['retry-schedule', '--integration', 'acne'], world.context)).rejects.toThrow(
      /there are acme/,
    );
  });
});

test('--json: times in UTC, durations in milliseconds', async () => {
  const world = await startOperatorWorld();
  const entry = { id: 'acme', url: 'https://acme.example', max_retries: 1 };
  const file = world.file('integrations.json', { integrations: [entry] });
  const options = ['--integration', 'acme', '--file', file, '--event-type', 'course_completion', '--json'];
  await runProgram(['retry-schedule', ...options, '--at', '2026-01-31T22:00:00Z'], world.context);
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
  await world.close();
});
