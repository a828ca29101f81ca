import { describe, expect, test } from '@jest/globals';
import {
  type EndedExecution,
  SWEEP_AFTER_MS,
  SWEEP_UNTIL_MS,
  type SweepServices,
  sweep,
} from '../../lambdas/operations/sweep.ts';
import { fakeLog, NOW, serviceError } from '../support/factories.ts';

const MINUTE_MS = 60_000;
const ended = (executionArn: string, minutesAgo: number): EndedExecution => ({
  executionArn,
  stoppedAtMs: NOW - minutesAgo * MINUTE_MS,
});

function world(executions: readonly EndedExecution[], overrides: Partial<SweepServices> = {}) {
  const rescued: string[] = [];
  const log = fakeLog();
  const services: SweepServices = {
    async *listEnded() {
      yield* executions;
    },
    async rescue(executionArn) {
      rescued.push(executionArn);
    },
    log,
    now: () => NOW,
    ...overrides,
  };
  return { services, rescued, log };
}

describe('a sweep', () => {
  test('rescues what ended in the last day, in whatever order it is listed', async () => {
    const { services, rescued, log } = world([
      ended('a', 60),
      ended('too old', 24 * 60 + 1),
      ended('too young', 4),
      ended('b', 6),
    ]);
    await sweep(services);
    expect(rescued).toEqual(['a', 'b']);
    expect(log.only('executions.swept')).toEqual({ swept: 2 });
  });

  test('leaves five minutes to the rule, and looks back a day', async () => {
    expect([SWEEP_AFTER_MS, SWEEP_UNTIL_MS]).toEqual([5 * MINUTE_MS, 24 * 60 * MINUTE_MS]);
    const { services, rescued } = world([ended('just old enough', 5), ended('just young enough', 24 * 60)]);
    await sweep(services);
    expect(rescued).toEqual(['just old enough', 'just young enough']);
  });

  test('of nothing says so', async () => {
    const { services, log } = world([]);
    await sweep(services);
    expect(log.only('executions.swept')).toEqual({ swept: 0 });
  });

  test('goes on after a rescue that failed, and fails in the end', async () => {
    const tried: string[] = [];
    const { services, log } = world([ended('a', 60), ended('b', 61), ended('c', 62)], {
      async rescue(executionArn) {
        tried.push(executionArn);
        if (executionArn !== 'b') throw serviceError(`Fault of ${executionArn}`);
      },
    });
    await expect(sweep(services)).rejects.toMatchObject({ name: 'Fault of c' });
    expect(tried).toEqual(['a', 'b', 'c']);
    expect(log.messages()).toEqual(['execution.sweep_failed', 'execution.sweep_failed', 'executions.swept']);
  });

  test('fails where the executions cannot be listed', async () => {
    const { services } = world([], {
      // biome-ignore lint/correctness/useYield: it fails before the first
      async *listEnded() {
        throw serviceError('ThrottlingException');
      },
    });
    await expect(sweep(services)).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});
