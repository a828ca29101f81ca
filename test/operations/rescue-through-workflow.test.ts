import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { executionName } from '../../lambdas/events/identity.ts';
import {
  type FailedExecution,
  type RescueServices,
  rescue,
  rescueInput,
} from '../../lambdas/operations/rescue-through-workflow.ts';
import { QueueRefused } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import {
  delivery,
  ENRICHED,
  fakeCounter,
  fakeEvents,
  fakeLog,
  LEARNER_DATA,
  NOT_ENRICHED,
  NOW,
  PENDING,
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

/** A failed execution, and a workflow that accepts its rescue. */
function world(failed: Partial<FailedExecution> = {}, overrides: Partial<RescueServices> = {}) {
  const described: string[] = [];
  const started: { name: string; input: unknown }[] = [];
  const deadLetters: FailedExecution[] = [];
  const log = fakeLog();
  const counter = fakeCounter();
  const events = fakeEvents();
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
      deadLetters.push(execution);
      return true;
    },
    events,
    log,
    counter,
    now: () => NOW,
    ...overrides,
  };
  return { services, described, started, deadLetters, events, log, counter };
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
      const { services, described, started, deadLetters, events, counter, log } = world();
      await rescue(ARN, cause, services);
      const { webhook_id } = carried;
      const detail = { integration_id: 'acme', webhook_id, reason: 'workflow_failed' };
      expect(events.sent).toMatchObject([{ type: 'delivery.dead_lettered', detail }]);
      expect(described).toEqual([ARN]);
      const progress = { outcome: 'dead', reason: 'workflow execution TIMED_OUT' };
      expect(started).toMatchObject([{ name: `${FAILED.name}-rescue1`, input: { progress } }]);
      expect(deadLetters).toEqual([]);
      expect(counter.counts).toEqual({ [METRICS.executionRescued]: 1 });
      expect(log.only('execution.rescued')).toMatchObject({ execution: FAILED.name, status: 'TIMED_OUT', cause });
    },
  );

  test('is counted once, by the event or the sweep', async () => {
    for (const cause of ['event', 'sweep'] as const) {
      const { services, events, counter, log } = world({}, { start: async () => false });
      await rescue(ARN, cause, services);
      expect(events.sent).toEqual([]);
      expect(counter.counts).toEqual({});
      expect(log.messages()).toEqual(['execution.rescued_before']);
    }
  });
});

describe('a rescue that cannot start', () => {
  test('fails, and is retried', async () => {
    const { services, deadLetters, counter, log } = world({}, refusing('ThrottlingException'));
    await expect(rescue(ARN, 'event', services)).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(deadLetters).toEqual([]);
    expect(counter.counts).toEqual({});
    expect(log.only('execution.rescue_not_started')).toMatchObject({ error: 'ThrottlingException' });
  });

  test('because it never can, or failed three times, sends the input to the dead letter queue directly', async () => {
    for (const { services, started, deadLetters, events, counter } of [
      world({}, refusing('InvalidExecutionInput')),
      world({}, refusing('ValidationException')),
      world({ name: 'wh_1-g0-rescue3' }),
    ]) {
      await rescue(ARN, 'event', services);
      expect(started).toEqual([]);
      expect(deadLetters).toMatchObject([{ input: FAILED.input }]);
      expect(events.sent).toMatchObject([{ detail: { reason: 'workflow_failed' } }]);
      expect(counter.counts).toEqual({ [METRICS.executionRescued]: 1 });
    }
  });

  test('is not made by the sweep, which would send the input again each time', async () => {
    for (const { services, deadLetters, log, counter } of [
      world({ name: 'wh_1-g0-rescue3' }),
      world({}, refusing('InvalidExecutionInput')),
    ]) {
      await rescue(ARN, 'sweep', services);
      expect(deadLetters).toEqual([]);
      expect(counter.counts).toEqual({});
      expect(log.only('execution.rescue_impossible')).toMatchObject({ cause: 'sweep' });
    }
  });

  test('whose dead-letter message is refused too fails: the rule’s own dead letter queue gets the event', async () => {
    const { services, counter } = world({ name: 'wh_1-g0-rescue3' }, { deadLetter: async () => false });
    await expect(rescue(ARN, 'event', services)).rejects.toThrow(QueueRefused);
    expect(counter.counts).toEqual({});
  });
});

describe('a hot lead whose execution failed', () => {
  const lead = { event_type: 'lead', kind: 'lead.hot' } as const;
  const input = JSON.stringify(delivery(NOT_ENRICHED, lead));
  const exists: Partial<RescueServices> = { start: async () => false };

  test('is reported, on both ways to the dead letter queue', async () => {
    for (const { services, counter, log } of [
      world({ input }),
      world({ input }, refusing('InvalidExecutionInput')),
      world({ input, name: 'wh_1-g0-rescue3' }),
      // Written by a newer version that this one cannot read in full.
      world({ input: JSON.stringify({ ...lead, schema_version: 2 }) }),
    ]) {
      await rescue(ARN, 'event', services);
      expect(counter.counts).toEqual({ [METRICS.executionRescued]: 1, [METRICS.criticalDead]: 1 });
      expect(log.only('delivery.critical_dead')).toMatchObject({ kind: 'lead.hot' });
    }
  });

  test('is reported by the sweep only if it was not rescued before', async () => {
    const first = world({ input });
    await rescue(ARN, 'sweep', first.services);
    expect(first.counter.counts).toMatchObject({ [METRICS.criticalDead]: 1 });
    const again = world({ input }, exists);
    await rescue(ARN, 'sweep', again.services);
    expect(again.counter.counts).not.toHaveProperty([METRICS.criticalDead]);
  });

  test('is reported for a repeated event, because the function that rescued it may have been killed', async () => {
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

const rescued = (input: unknown, overrides: Partial<FailedExecution> = {}) =>
  rescueInput(
    { name: 'wh_1-g0', status: 'FAILED', error: 'States.Runtime', input: JSON.stringify(input), ...overrides },
    new Date(NOW),
  );

/** The message that the workflow sends to the dead letter queue: the state, merged with `redrive`. */
const deadLetterOf = (input: Record<string, unknown>) => {
  const { redrive } = input.progress as { redrive: object };
  return { ...input, ...redrive };
};

describe('the input of a rescue', () => {
  test('goes straight to the dead letter queue, with the reason', () => {
    expect(rescued(delivery()).progress).toMatchObject({
      outcome: 'dead',
      reason: 'workflow execution FAILED: States.Runtime',
      due_at: '2026-01-15T12:00:00.000Z',
    });
  });

  test('results in a dead-letter message that is a new delivery, of the next generation', () => {
    const anyDelivery = fc
      .record({ enrichment: fc.constantFrom(PENDING, ENRICHED, NOT_ENRICHED), generation: fc.nat(), attempt: fc.nat() })
      .map(({ enrichment, generation, attempt }) => delivery(enrichment, { generation }, { attempt }));
    fc.assert(
      fc.property(anyDelivery, (given) => {
        const deadLetter = deliverySchema.parse(deadLetterOf(rescued(given)));
        expect(deadLetter).toEqual({
          ...given,
          generation: given.generation + 1,
          progress: { enrichment: given.progress.enrichment, attempt: 0, due_at: null },
        });
      }),
    );
  });

  test('of a scheduled delivery stays scheduled: after a redrive it is not sent early, and may be superseded', () => {
    const waiting = delivery(NOT_ENRICHED, { send_at: '2026-01-18T09:00:00.000Z' }, { attempt: 1 });
    expect(deliverySchema.parse(deadLetterOf(rescued(waiting)))).toMatchObject({
      generation: 1,
      progress: { attempt: 0, timed: true, due_at: '2026-01-18T09:00:00.000Z' },
    });
  });

  test('has valid SQS attributes, for any input', () => {
    const input = JSON.stringify({ integration_id: 'a\u0000\uD800', webhook_id: '😀'.repeat(300) });
    const { progress, ...names } = rescued(delivery(), { input, error: 'E'.repeat(10_000) });
    expect(names).toEqual({ integration_id: 'a??', webhook_id: '😀'.repeat(250) });
    expect((progress as { reason: string }).reason).toHaveLength(500);
  });
});

describe('an input that is no delivery', () => {
  test('is kept field by field, with empty names if it has none', () => {
    const { progress, ...fields } = rescued({ order: 1.5, webhook_id: '', integration_id: 7 });
    expect(fields).toEqual({ order: 1.5, webhook_id: 'unknown', integration_id: 'unknown' });
    expect(progress).toMatchObject({ outcome: 'dead', redrive: { progress: {} } });
  });

  test('keeps its names, and its own progress in the dead-letter message', () => {
    const names = { webhook_id: 'wh_1', integration_id: 'acme', schema_version: 9 };
    const input = { ...names, progress: { enrichment: { status: 'new' }, attempt: 3 } };
    expect(deadLetterOf(rescued(input))).toMatchObject(input);
  });

  test('of any kind has the fields that the workflow reads', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (input) => {
        expect(rescued(input)).toMatchObject({
          webhook_id: expect.any(String),
          integration_id: expect.any(String),
          progress: {
            outcome: 'dead',
            reason: expect.any(String),
            due_at: expect.any(String),
            redrive: expect.any(Object),
          },
        });
      }),
    );
  });
});
