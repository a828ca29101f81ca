import { describe, expect, test } from '@jest/globals';
import { allStates, type Definition, MAX_TIMER_MS, scaleDefinition, waitMs } from '../../local/scaled-definition.ts';

const task = { Type: 'Task', Resource: 'arn:x', TimeoutSeconds: 40, End: true };

describe('scaleDefinition', () => {
  const definition = {
    StartAt: 'All',
    TimeoutSeconds: 600,
    States: {
      All: {
        Type: 'Parallel',
        Branches: [{ StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 30, Next: 'Try' }, Try: task } }],
        Retry: [
          { ErrorEquals: ['States.ALL'], IntervalSeconds: 10, MaxDelaySeconds: 60, BackoffRate: 2, MaxAttempts: 5 },
        ],
        End: true,
      },
    },
  } satisfies Definition;

  test('divides retries and the execution timeout, and leaves counts, rates and task timeouts', () => {
    const scaled = scaleDefinition<Definition>(definition, 10);
    expect(scaled.TimeoutSeconds).toBe(60);
    expect(scaled.States.All?.Retry).toEqual([
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxDelaySeconds: 6, BackoffRate: 2, MaxAttempts: 5 },
    ]);
    expect(allStates(scaled).get('Try')).toEqual(task);
  });

  test('divides the interval that a retrier has by default', () => {
    const states = { A: { ...task, Retry: [{ ErrorEquals: ['States.ALL'] }] } };
    expect(scaleDefinition<Definition>({ StartAt: 'A', States: states }, 4).States.A?.Retry).toEqual([
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 0.25 },
    ]);
  });

  test('gives waits to the platform, inside branches too', () => {
    const wait = allStates(scaleDefinition<Definition>(definition, 10)).get('Wait');
    expect(wait).toMatchObject({ Type: 'Task', Next: 'Try' });
    expect(wait).not.toHaveProperty('Seconds');
  });

  test('drops an execution timeout longer than a timer can be', () => {
    const year = { StartAt: 'A', States: { A: task }, TimeoutSeconds: 365 * 86_400 };
    expect(scaleDefinition<Definition>(year, 1)).not.toHaveProperty('TimeoutSeconds');
  });
});

describe('waitMs', () => {
  const inOneMinute = () => new Date(Date.now() + 60_000).toISOString();

  test.each([
    ['Seconds', { Type: 'Wait', Seconds: 30 }, {}, 3_000],
    ['SecondsPath', { Type: 'Wait', SecondsPath: '$.delay.seconds' }, { delay: { seconds: 20 } }, 2_000],
    ['a time that has passed', { Type: 'Wait', Timestamp: '2020-01-01T00:00:00Z' }, {}, 0],
    ['more than a timer can wait', { Type: 'Wait', Seconds: 1e9 }, {}, MAX_TIMER_MS],
  ])('divides %s', (_name, state, input, expected) => {
    expect(waitMs(state, input, 10)).toBe(expected);
  });

  test('divides what is left until TimestampPath', () => {
    const ms = waitMs(
      { Type: 'Wait', TimestampPath: '$.progress.due_at' },
      { progress: { due_at: inOneMinute() } },
      10,
    );
    expect(ms).toBeGreaterThan(5_500);
    expect(ms).toBeLessThanOrEqual(6_000);
  });

  test.each([
    ['nothing at its path', { Type: 'Wait', TimestampPath: '$.due' }, /finds no time/],
    ['a path of another kind', { Type: 'Wait', SecondsPath: '$.list[0]' }, /cannot read the path/],
  ])('refuses %s', (_name, state, message) => {
    expect(() => waitMs(state, {}, 1)).toThrow(message);
  });
});
