import { describe, expect, test } from '@jest/globals';
import { QueueRefused } from '../../lambdas/contract/errors.ts';
import { METRICS } from '../../lambdas/contract/metrics.ts';
import { executionName } from '../../lambdas/domain/identity.ts';
import type { FailedExecution } from '../../lambdas/domain/rescue.ts';
import { type RescueServices, rescue } from '../../lambdas/operations/rescue.ts';
import {
  delivery,
  fakeCounter,
  fakeLog,
  LEARNER_DATA,
  NOW,
  PENDING,
  PLAIN,
  serviceError,
} from '../support/factories.ts';

const ARN = 'arn:aws:states:us-east-1:000000000000:execution:retry:name';
const carried = delivery(PENDING, { generation: 4 });
const FAILED: FailedExecution = {
  name: executionName(carried.webhook_id, `g${carried.generation}`),
  status: 'TIMED_OUT',
  error: undefined,
  input: JSON.stringify(carried),
};

/** A failed execution, and a workflow that takes its rescue. */
function world(failed: Partial<FailedExecution> = {}, overrides: Partial<RescueServices> = {}) {
  const described: string[] = [];
  const started: { name: string; input: unknown }[] = [];
  const letters: FailedExecution[] = [];
  const log = fakeLog();
  const counter = fakeCounter();
  const services: RescueServices = {
    async describe(executionArn) {
      described.push(executionArn);
      return { ...FAILED, ...failed };
    },
    async start(name, input) {
      started.push({ name, input });
      return true;
    },
    async deadLetter(execution) {
      letters.push(execution);
      return true;
    },
    log,
    counter,
    now: () => NOW,
    ...overrides,
  };
  return { services, described, started, letters, log, counter };
}

const refusing = (name: string): Partial<RescueServices> => ({
  async start() {
    throw serviceError(name);
  },
});

describe('an execution that failed', () => {
  test.each(['event', 'sweep'] as const)(
    'is rescued by the workflow, under a name that derives from it (%s)',
    async (cause) => {
      const { services, described, started, letters, counter, log } = world();
      await rescue(ARN, cause, services);
      expect(described).toEqual([ARN]);
      expect(started).toMatchObject([{ name: `${FAILED.name}-rescue1`, input: { progress: { outcome: 'dead' } } }]);
      expect(letters).toEqual([]);
      expect(counter.counts).toEqual({ [METRICS.executionRescued]: 1 });
      expect(log.only('execution.rescued')).toEqual({
        execution: FAILED.name,
        status: 'TIMED_OUT',
        error: undefined,
        cause,
      });
    },
  );

  test('is counted once, by whoever finds it first', async () => {
    for (const cause of ['event', 'sweep'] as const) {
      const { services, counter, log } = world({}, { start: async () => false });
      await rescue(ARN, cause, services);
      expect(counter.counts).toEqual({});
      expect(log.messages()).toEqual(['execution.rescued_before']);
    }
  });
});

describe('a rescue that cannot start', () => {
  test.each(['ThrottlingException', 'ExecutionLimitExceeded', 'AccessDeniedException'])(
    'for %s fails: it is tried again',
    async (name) => {
      const { services, letters, counter, log } = world({}, refusing(name));
      await expect(rescue(ARN, 'event', services)).rejects.toMatchObject({ name });
      expect(letters).toEqual([]);
      expect(counter.counts).toEqual({});
      expect(log.only('execution.rescue_not_started')).toMatchObject({ error: name });
    },
  );

  test('since the input does not fit sends it to the dead letter queue itself', async () => {
    const { services, letters, counter } = world({}, refusing('InvalidExecutionInput'));
    await rescue(ARN, 'event', services);
    expect(letters).toEqual([FAILED]);
    expect(counter.counts).toEqual({ [METRICS.executionRescued]: 1 });
  });

  test('since it failed three times already sends the input to the dead letter queue itself', async () => {
    const { services, started, letters } = world({ name: 'wh_1-g0-rescue3' });
    await rescue(ARN, 'event', services);
    expect(started).toEqual([]);
    expect(letters).toHaveLength(1);
  });

  test('is left alone by the sweep, which would send the input again each time', async () => {
    for (const { services, letters, log, counter } of [
      world({ name: 'wh_1-g0-rescue3' }),
      world({}, refusing('InvalidExecutionInput')),
    ]) {
      await rescue(ARN, 'sweep', services);
      expect(letters).toEqual([]);
      expect(counter.counts).toEqual({});
      expect(log.only('execution.rescue_impossible')).toMatchObject({ cause: 'sweep' });
    }
  });

  test('and whose letter is refused too fails: the rule’s own dead letter queue has the event', async () => {
    const { services, counter } = world({ name: 'wh_1-g0-rescue3' }, { deadLetter: async () => false });
    await expect(rescue(ARN, 'event', services)).rejects.toThrow(QueueRefused);
    expect(counter.counts).toEqual({});
  });
});

describe('a hot lead whose execution failed', () => {
  const lead = { event_type: 'lead', kind: 'lead.hot' } as const;
  const input = JSON.stringify(delivery(PLAIN, lead));
  const exists: Partial<RescueServices> = { start: async () => false };

  test('wakes somebody up, by whichever way it goes to the dead letter queue', async () => {
    for (const { services, counter, log } of [
      world({ input }),
      world({ input }, refusing('InvalidExecutionInput')),
      world({ input, name: 'wh_1-g0-rescue3' }),
      // By a version of which this one cannot read it all.
      world({ input: JSON.stringify({ ...lead, schema_version: 2 }) }),
    ]) {
      await rescue(ARN, 'event', services);
      expect(counter.counts).toEqual({ [METRICS.executionRescued]: 1, [METRICS.criticalDead]: 1 });
      expect(log.only('delivery.critical_dead')).toMatchObject({ kind: 'lead.hot' });
    }
  });

  test('does so for the sweep where nobody rescued it before, and not each time that it comes by', async () => {
    const first = world({ input });
    await rescue(ARN, 'sweep', first.services);
    expect(first.counter.counts).toMatchObject({ [METRICS.criticalDead]: 1 });
    const again = world({ input }, exists);
    await rescue(ARN, 'sweep', again.services);
    expect(again.counter.counts).not.toHaveProperty([METRICS.criticalDead]);
  });

  test('does so for an event that comes again: whoever rescued it may have died before it was told', async () => {
    const { services, counter } = world({ input }, exists);
    await rescue(ARN, 'event', services);
    expect(counter.counts).toMatchObject({ [METRICS.criticalDead]: 1 });
  });
});

test('nothing of a learner is logged', async () => {
  for (const { services, log } of [
    world(),
    world({}, refusing('InvalidExecutionInput')),
    world({ name: 'a-rescue3' }),
  ]) {
    await rescue(ARN, 'event', services);
    expect(log.lines.length).toBeGreaterThan(0);
    for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
  }
});
