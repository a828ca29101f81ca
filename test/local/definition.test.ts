import { describe, expect, test } from '@jest/globals';
import { allStates, type Definition, type State, waitMs, withoutTimes } from '../../local/definition.ts';

const Retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 10, MaxDelaySeconds: 60, BackoffRate: 2 }];
const task = { Type: 'Task', Resource: 'arn:x', TimeoutSeconds: 40, Retry, End: true };
const wait = { Type: 'Wait', Seconds: 30, Comment: 'a while', Next: 'Send' };
const branch = { StartAt: 'Wait', States: { Wait: wait, Send: task } };

describe('withoutTimes', () => {
  const definition = {
    StartAt: 'All',
    TimeoutSeconds: 600,
    States: {
      All: { Type: 'Parallel', Branches: [branch], Retry, Next: 'Each' },
      Each: { Type: 'Map', ItemProcessor: branch, End: true },
    },
  } satisfies Definition;
  const without = withoutTimes<Definition>(definition);

  test('leaves out the timeout of the execution, and nothing else of it', () => {
    const { States, ...rest } = without;
    expect(rest).toEqual({ StartAt: 'All' });
    expect(Object.keys(States)).toEqual(['All', 'Each']);
  });

  test.each([
    ['a branch', without.States.All?.Branches as Definition[]],
    ['a map', [without.States.Each?.ItemProcessor as Definition]],
  ])('inside %s, a wait is a task without an end, and a task keeps all but its timeout', (_name, [inner]) => {
    const states = allStates(inner as Definition);
    const { TimeoutSeconds, ...waiting } = states.get('Wait') as State;
    expect(waiting).toEqual({ Type: 'Task', Resource: 'local:wait', Comment: 'a while', Next: 'Send' });
    // Over 24 days: without one the engine ends a task after a minute.
    expect(TimeoutSeconds).toBeGreaterThan(24 * 86_400);
    expect(states.get('Send')).toEqual({ ...task, TimeoutSeconds });
  });

  test('leaves the definition itself as it is', () => {
    expect(allStates(definition).get('Wait')).toEqual(wait);
  });
});

describe('waitMs', () => {
  const nowMs = Date.parse('2026-01-15T12:00:00Z');
  const Timestamp = '2026-01-15T12:01:00.500Z';

  test.each([
    ['Seconds', { Seconds: 30 }, {}, 30_000],
    ['SecondsPath', { SecondsPath: '$.delay.seconds' }, { delay: { seconds: 20 } }, 20_000],
    ['Timestamp', { Timestamp }, {}, 60_500],
    ['TimestampPath', { TimestampPath: '$.progress.due_at' }, { progress: { due_at: Timestamp } }, 60_500],
    ['a time that has passed', { Timestamp: '2020-01-01T00:00:00Z' }, {}, 0],
  ])('reads %s', (_name, fields, input, expected) => {
    expect(waitMs({ Type: 'Wait', ...fields }, input, nowMs)).toBe(expected);
  });

  test.each([
    ['nothing at its path', { Type: 'Wait', TimestampPath: '$.due' }, /finds no time/],
    ['a path of another kind', { Type: 'Wait', SecondsPath: '$.list[0]' }, /cannot read the path/],
  ])('refuses %s', (_name, state, message) => {
    expect(() => waitMs(state, {}, nowMs)).toThrow(message);
  });
});
