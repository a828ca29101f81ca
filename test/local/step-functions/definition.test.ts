import { expect, test } from '@jest/globals';
import { requireRunnable, waitMs, withoutTimes } from '../../../local/step-functions/definition.ts';

const Retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 10, MaxDelaySeconds: 60, BackoffRate: 2 }];
const task = { Type: 'Task', Resource: 'arn:x', TimeoutSeconds: 40, Retry, End: true };
const wait = { Type: 'Wait', TimestampPath: '$.progress.due_at', Comment: 'a while', Next: 'Send' };
const of = (states: object) => ({ StartAt: 'Wait', States: { Wait: wait, Send: task, ...states } });

test('without its times, a wait is a task without an end, and a task keeps all but its timeout', () => {
  // Over 24 days: without a timeout the engine ends a task after a minute.
  const TimeoutSeconds = Math.floor((2 ** 31 - 1) / 1000);
  expect(withoutTimes({ ...of({}), TimeoutSeconds: 600 })).toEqual({
    StartAt: 'Wait',
    States: {
      Wait: { Type: 'Task', Resource: 'local:wait', TimeoutSeconds, Comment: 'a while', Next: 'Send' },
      Send: { ...task, TimeoutSeconds },
    },
  });
});

test.each([
  ['JSONata', { ...of({}), QueryLanguage: 'JSONata' }],
  ['JSONata: state Send', of({ Send: { ...task, QueryLanguage: 'JSONata' } })],
  ['retries with jitter: Send', of({ Send: { ...task, Retry: [{ ErrorEquals: ['E'], JitterStrategy: 'FULL' }] } })],
  ['Map states: Each', of({ Each: { Type: 'Map', ItemProcessor: of({}) } })],
  ['Parallel states: All', of({ All: { Type: 'Parallel', Branches: [of({})] } })],
  ['Wait states without TimestampPath: Pause', of({ Pause: { Type: 'Wait', Seconds: 30 } })],
])('%s is refused', (what, definition) => {
  expect(() => requireRunnable(definition)).toThrow(`the local platform does not run ${what}`);
});

test.each([
  ['2026-01-15T12:01:00.500Z', 60_500],
  ['2020-01-01T00:00:00Z', 0],
])('a wait until %s takes %d ms', (due_at, expected) => {
  expect(waitMs(wait, { progress: { due_at } }, Date.parse('2026-01-15T12:00:00Z'))).toBe(expected);
});

test.each([
  ['no time at its path', wait, /finds no time/],
  ['a path of another kind', { ...wait, TimestampPath: '$.list[0]' }, /cannot read the path/],
])('a wait with %s is refused', (_name, state, message) => {
  expect(() => waitMs(state, {})).toThrow(message);
});
