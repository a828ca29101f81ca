import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EndedExecution, SweepProgress } from '../../lambdas/ledger/table/sweep-progress.ts';
import {
  FIRST_SWEEP_MS,
  MAX_FAILED,
  RESCUED_FOR_MS,
  SWEEP_AFTER_MS,
  type SweepServices,
  sweep,
} from '../../lambdas/operations/sweep-missed.ts';
import { fakeLog, NOW, serviceError } from '../support/factories.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ended = (executionArn: string, minutesAgo: number): EndedExecution => ({
  executionArn,
  stoppedAtMs: NOW - minutesAgo * MINUTE_MS,
});

/** Consecutive sweeps over the same executions and the same progress. */
function world(executions: readonly EndedExecution[], overrides: Partial<SweepServices> = {}) {
  const rescued: string[] = [];
  const log = fakeLog();
  const state = { progress: undefined as SweepProgress | undefined, nowMs: NOW, rescuesLeft: Number.POSITIVE_INFINITY };
  const services: SweepServices = {
    async *listEnded() {
      yield* executions;
    },
    async rescue(executionArn) {
      state.rescuesLeft -= 1;
      rescued.push(executionArn);
    },
    readProgress: async () => state.progress,
    async writeProgress(progress) {
      state.progress = progress;
    },
    log,
    now: () => state.nowMs,
    remainingMs: () => (state.rescuesLeft > 0 ? 60_000 : 0),
    ...overrides,
  };
  return { services, rescued, log, state };
}

describe('a sweep', () => {
  test('rescues executions that ended since the last one, earliest first, from a list in any order', async () => {
    const { services, rescued, log, state } = world([
      ended('b', 6),
      ended('young', 4),
      ended('a', 60),
      ended('old', 90),
    ]);
    state.progress = { upToMs: NOW - 90 * MINUTE_MS, failed: [] };
    await sweep(services);
    expect(rescued).toEqual(['a', 'b']);
    expect(state.progress).toEqual({ upToMs: NOW - SWEEP_AFTER_MS, failed: [] });
    expect(log.only('executions.swept')).toMatchObject({ swept: 2, failed: 0 });
  });

  test('leaves five minutes to the rule, and looks back 14 days at first', async () => {
    expect([SWEEP_AFTER_MS, FIRST_SWEEP_MS]).toEqual([5 * MINUTE_MS, 14 * 24 * HOUR_MS]);
    const days14 = 14 * 24 * 60;
    const { services, rescued } = world([ended('old enough', 5), ended('too old', days14), ended('first', days14 - 1)]);
    await sweep(services);
    expect(rescued).toEqual(['first', 'old enough']);
  });

  test('continues after a failed rescue, fails in the end, and retries it first the next time', async () => {
    const broken = new Set(['b', 'c']);
    const tried: string[] = [];
    const { services, log, state } = world([ended('a', 60), ended('b', 61), ended('c', 62), ended('d', 63)], {
      async rescue(executionArn) {
        tried.push(executionArn);
        if (broken.has(executionArn)) throw serviceError(`Fault of ${executionArn}`);
      },
    });
    await expect(sweep(services)).rejects.toMatchObject({ name: 'Fault of b' });
    expect(tried).toEqual(['d', 'c', 'b', 'a']);
    expect(state.progress).toEqual({ upToMs: NOW - SWEEP_AFTER_MS, failed: [ended('c', 62), ended('b', 61)] });
    expect(log.messages()).toEqual(['execution.sweep_failed', 'execution.sweep_failed', 'executions.swept']);

    broken.clear();
    tried.length = 0;
    await sweep(services);
    expect(tried).toEqual(['c', 'b']);
    expect(state.progress?.failed).toEqual([]);
  });

  test('abandons a rescue after a day, which is logged', async () => {
    const { services, log, state } = world([], {
      async rescue() {
        throw serviceError('AccessDeniedException');
      },
    });
    const [young, old] = [ended('young', 60), { executionArn: 'old', stoppedAtMs: NOW - RESCUED_FOR_MS - 1 }];
    state.progress = { upToMs: NOW - HOUR_MS, failed: [old, young] };
    await expect(sweep(services)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(state.progress?.failed).toEqual([young]);
    expect(log.only('execution.sweep_abandoned')).toMatchObject({ execution: 'old' });
  });

  test('stores a hundred failures, and goes no further', async () => {
    const many = Array.from({ length: 150 }, (_, index) => ended(`e${index}`, 200 - index));
    const { services, state } = world(many, {
      async rescue() {
        throw serviceError('ThrottlingException');
      },
    });
    await expect(sweep(services)).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(state.progress?.failed).toHaveLength(MAX_FAILED);
    expect(state.progress?.upToMs).toBe((many[MAX_FAILED]?.stoppedAtMs ?? 0) - 1);
  });

  test.each(['listEnded', 'readProgress'] as const)('fails if %s does, and rescues nothing', async (service) => {
    const { services, rescued } = world([ended('a', 60)], {
      // biome-ignore lint/correctness/useYield: it fails before the first
      async *listEnded() {
        throw serviceError('Fault of listEnded');
      },
      ...(service === 'readProgress' && {
        readProgress: async () => {
          throw serviceError('Fault of readProgress');
        },
      }),
    });
    await expect(sweep(services)).rejects.toMatchObject({ name: `Fault of ${service}` });
    expect(rescued).toEqual([]);
  });

  test('rescues every failed execution once, for any failures and time limits', async () => {
    const minutes = fc.uniqueArray(fc.integer({ min: 6, max: 600 }), { maxLength: 60 });
    const chances = fc.infiniteStream(fc.nat(9));
    await fc.assert(
      fc.asyncProperty(minutes, fc.array(fc.nat(20), { maxLength: 20 }), chances, async (ago, times, chance) => {
        const executions = ago.map((minutesAgo) => ended(`e${minutesAgo}`, minutesAgo));
        const done: string[] = [];
        const made = world(executions);
        let isBroken = true;
        const services: SweepServices = {
          ...made.services,
          async rescue(executionArn) {
            made.state.rescuesLeft -= 1;
            if (isBroken && Number(chance.next().value) === 0) throw serviceError('ThrottlingException');
            done.push(executionArn);
          },
        };
        for (const rescues of [...times, Number.POSITIVE_INFINITY]) {
          isBroken = rescues !== Number.POSITIVE_INFINITY;
          made.state.rescuesLeft = rescues;
          await sweep(services).catch(() => undefined);
          made.state.nowMs += 15 * MINUTE_MS;
        }
        expect(done.toSorted()).toEqual(executions.map(({ executionArn }) => executionArn).toSorted());
      }),
      { numRuns: 300 },
    );
  });
});
