import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { StateMachine as Engine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import fc from 'fast-check';
import { TaskRetries } from '../../../local/step-functions/task-retries.ts';

const STATE = { Type: 'Task', Resource: 'arn:x' };
const error = (name: string) => ({ name });

/** The waits after each of these errors in turn, in seconds. */
function waitsAfter(retries: TaskRetries, names: readonly string[]): (number | undefined)[] {
  return names.map((name) => retries.delayMsAfter(error(name))).map((ms) => (ms === undefined ? undefined : ms / 1000));
}

function retriesOf(...Retry: readonly object[]): TaskRetries {
  return new TaskRetries({ ...STATE, Retry });
}

const times = (count: number, name = 'E'): string[] => Array<string>(count).fill(name);

describe('the wait before a retry', () => {
  test('States.TaskFailed stands for every error but a timeout, States.ALL for that too', () => {
    const names = ['E', 'States.Timeout'];
    expect(waitsAfter(retriesOf({ ErrorEquals: ['States.TaskFailed'] }), names)).toEqual([1, undefined]);
    expect(waitsAfter(retriesOf({ ErrorEquals: ['States.ALL'] }), names)).toEqual([1, 2]);
  });

  test('is none after an error that cannot be retried', () => {
    const retries = retriesOf({ ErrorEquals: ['States.ALL'] });
    expect(retries.delayMsAfter({ name: 'States.DataLimitExceeded', isRetryable: false })).toBeUndefined();
  });

  test('begins again after a reset', () => {
    const retries = retriesOf({ ErrorEquals: ['E'] });
    waitsAfter(retries, times(4));
    retries.reset();
    expect(waitsAfter(retries, times(2))).toEqual([1, 2]);
  });
});

describe('the engine, which does not wait here', () => {
  let engineWaits: number[];
  const realSetTimeout = setTimeout;

  beforeEach(() => {
    engineWaits = [];
    // Its waits are over at once, and noted. It has other timers for its timeouts, of a minute by default.
    jest.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, ms = 0) => {
      if (ms >= TIMEOUT_MS) return realSetTimeout(() => {}, 0);
      engineWaits.push(ms / 1000);
      return realSetTimeout(callback, 0);
    }) as typeof setTimeout);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const TIMEOUT_MS = 10_000_000;
  const NAMES = ['A', 'B', 'C'];
  const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
  const retrier = fc
    .record({
      ErrorEquals: fc.uniqueArray(fc.constantFrom(...NAMES, 'States.TaskFailed'), { minLength: 1, maxLength: 2 }),
      IntervalSeconds: optional(fc.integer({ min: 1, max: 100 })),
      MaxAttempts: optional(fc.integer({ min: 0, max: 4 })),
      BackoffRate: optional(fc.double({ min: 1, max: 3, noNaN: true })),
      MaxDelaySeconds: optional(fc.integer({ min: 101, max: 1000 })),
    })
    .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
  const retriers = fc.array(retrier, { maxLength: 3 });

  test('would wait as long', async () => {
    await fc.assert(
      fc.asyncProperty(retriers, fc.array(fc.constantFrom(...NAMES), { maxLength: 12 }), async (Retry, names) => {
        engineWaits = [];
        const task = { ...STATE, TimeoutSeconds: TIMEOUT_MS / 1000, Retry, End: true };
        const engine = new Engine({ StartAt: 'Task', States: { Task: task } } as unknown as StateMachineDefinition, {
          validationOptions: { noValidate: true },
        });
        const left = [...names];
        const fail = async () => {
          const name = left.shift();
          if (name !== undefined) throw Object.assign(new Error('as asked'), { name });
          return {};
        };
        const run = engine.run({}, { overrides: { taskResourceLocalHandlers: { Task: fail } } });
        await run.result.catch(() => undefined);

        const failed = names.slice(0, names.length - left.length);
        const waits = waitsAfter(new TaskRetries({ ...STATE, Retry }), failed).filter((wait) => wait !== undefined);
        expect(waits).toEqual(engineWaits);
      }),
      { numRuns: 200 },
    );
  });
});
