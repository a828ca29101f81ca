import { expect, test } from '@jest/globals';
import { retrySchedules } from '../../../commands/integration/retry-schedule.ts';
import { describeAttempt, endOf, groupSchedules, retryTimes } from '../../../console/integrations/retry-times.ts';
import { KINDS } from '../../../lambdas/events/event-types/event-types.ts';
import { retryPolicyOf, schedule } from '../../../lambdas/partners/retry-policy.ts';
import { integration } from '../../support/factories.ts';

const START = Date.parse('2026-01-31T22:00:00Z');

test('times are those of the schedule, counted from the first attempt', () => {
  for (const kind of KINDS) {
    const [printed] = retrySchedules(integration(), [kind], START);
    expect(retryTimes(printed as never)).toEqual(schedule(retryPolicyOf(integration(), kind)));
  }
});

test('the list says when each attempt is made, and the end is that of the last timeout', () => {
  const [printed] = retrySchedules(integration(), ['course_completion'], START);
  const times = retryTimes(printed as never);
  expect(times.map(describeAttempt).slice(0, 5)).toEqual([
    'attempt 1: at once, timeout 5 s',
    'attempt 2: 0.9 s to 6.1 s after the first one, timeout 10 s',
    'attempt 3: 2.7 s to 18.3 s after the first one, timeout 15 s',
    'attempt 4: 6.3 s to 37.7 s after the first one, timeout 15 s',
    'attempt 5: 4.6 min to 6.4 min after the first one, timeout 15 s',
  ]);
  expect(endOf(times)).toBe((times.at(-1)?.latestMs ?? 0) + 15_000);
});

test('kinds with the same schedule are one group, and no kind is lost', () => {
  const groups = groupSchedules(retrySchedules(integration(), KINDS, START));
  expect(groups[0]?.kinds).toEqual(['course_completion', 'course_enrollment']);
  expect(groups.flatMap(({ kinds }) => kinds).toSorted()).toEqual([...KINDS].toSorted());
  expect(groups.length).toBeGreaterThan(1);
});
