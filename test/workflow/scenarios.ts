import { describe, expect, test } from '@jest/globals';
import {
  type Delivery,
  deliverySchema,
  ENRICHMENT_ATTEMPTS,
  type Enrichment,
  type Outcome,
  type Progress,
  type TaskResult,
} from '../../lambdas/events/delivery.ts';
import { INTERRUPTED_FAULTS, NOT_RUN_FAULTS } from '../../lib/lambda-faults.ts';
import { PASSING_FAULTS } from '../../lib/retriers.ts';
import { ENRICHED, delivery as newDelivery } from '../support/factories.ts';
import { INPUT_FAULTS } from './lambda-faults.ts';

const DUE = '2026-01-05T10:01:00.000Z';
const LATER = '2026-01-05T10:02:00.000Z';
const FALLBACK: Enrichment = { status: 'not_enriched', reason: 'warehouse_unavailable' };

function pending(attempts: number): Enrichment {
  return { status: 'pending', attempts, first_failed_at: '2026-01-05T10:00:00.000Z' };
}

/** In the workflow after its first failure at the warehouse. */
const delivery = (progress: Partial<TaskResult> = {}): Delivery =>
  newDelivery(
    pending(1),
    { generation: 2, payload: '{"score":1.0,"id":12345678901234567890}' },
    { due_at: DUE, ...progress },
  );

/** The calls of each task, in order, and its results; the last result is used for all later calls. */
type Responses<T> = readonly ((input: Delivery) => T)[];

interface Scene {
  readonly enrich?: Responses<TaskResult>;
  readonly deliver?: Responses<TaskResult>;
  readonly sendDeadLetter?: Responses<unknown>;
}

/** Calls the task of a state with its input, and returns its result. It throws an error whose `name` is the task's. */
export type CallTask = (state: 'Enrich' | 'Deliver' | 'SendDeadLetter', input: unknown) => Promise<unknown>;

export interface Run {
  readonly output: Progress;
  /** The states that it entered, in order. */
  readonly entered: readonly string[];
}

/**
 * Runs the synthesized definition once, without waiting in it.
 *
 * @throws Error where the execution fails; its `cause` has the `name` of the execution's error
 */
export type Interpreter = (input: Delivery, callTask: CallTask) => Promise<Run>;

async function runScene(interpret: Interpreter, input: Delivery, scene: Scene) {
  const calls: { Enrich: Delivery[]; Deliver: Delivery[]; SendDeadLetter: unknown[] } = {
    Enrich: [],
    Deliver: [],
    SendDeadLetter: [],
  };
  const responses: Record<keyof typeof calls, Responses<unknown> | undefined> = {
    Enrich: scene.enrich,
    Deliver: scene.deliver,
    SendDeadLetter: scene.sendDeadLetter ?? [() => ({ MessageId: 'm-1' })],
  };
  const ran = await interpret(input, async (state, given) => {
    const inTurn = responses[state];
    const respond = inTurn?.[Math.min(calls[state].length, inTurn.length - 1)];
    calls[state].push(structuredClone(given) as Delivery);
    if (respond === undefined) throw new Error(`${state} was not expected`);
    return respond(given as Delivery);
  });
  return { ...ran, calls };
}

const settles =
  (enrichment: Enrichment) =>
  ({ progress }: Delivery): TaskResult => ({ enrichment, attempt: progress.attempt, due_at: progress.due_at });
const failsOnceMore = ({ progress }: Delivery): TaskResult => {
  const { enrichment, attempt } = progress;
  if (enrichment.status !== 'pending') throw new Error('the enrichment is decided');
  return { enrichment: pending(enrichment.attempts + 1), attempt, due_at: LATER };
};
const decides =
  (outcome: Exclude<Outcome, 'dead'>, reason: string) =>
  ({ progress }: Delivery): TaskResult => ({
    enrichment: progress.enrichment,
    attempt: progress.attempt + 1,
    due_at: LATER,
    outcome,
    reason,
  });
const delivers = decides('delivered', 'HTTP 200');
const dies = (input: Delivery): TaskResult => ({
  ...input.progress,
  attempt: input.progress.attempt + 1,
  outcome: 'dead',
  reason: 'HTTP 400',
  redrive: {
    generation: input.generation + 1,
    progress: { enrichment: input.progress.enrichment, attempt: 0, due_at: null },
  },
});
const throws = (name: string) => (): never => {
  throw Object.assign(new Error('as planned'), { name });
};

/** The workflow's behaviour by its tasks' results, for any interpreter of the States Language. */
export function describeScenarios(interpret: Interpreter): void {
  const run = (input: Delivery, scene: Scene) => runScene(interpret, input, scene);

  describe('enrichment', () => {
    test('responds at the first retry: delivered with learning time', async () => {
      const { output, calls, entered } = await run(delivery(), { enrich: [settles(ENRICHED)], deliver: [delivers] });
      expect(entered).toEqual([
        'WaitUntilDue',
        'ChooseNextStep',
        'Enrich',
        'IsEnrichmentSettled',
        'Deliver',
        'CheckOutcome',
        'Finished',
      ]);
      expect(calls.Enrich).toEqual([delivery()]);
      expect(calls.Deliver).toEqual([delivery({ enrichment: ENRICHED })]);
      expect(output).toMatchObject({ outcome: 'delivered', enrichment: ENRICHED, attempt: 1 });
    });

    test('three failed retries after the batch’s own attempt: the fallback', async () => {
      const { output, calls, entered } = await run(delivery(), { enrich: [failsOnceMore], deliver: [delivers] });
      expect(calls.Enrich.map(({ progress }) => progress.enrichment)).toEqual([pending(1), pending(2), pending(3)]);
      expect(calls.Enrich).toHaveLength(ENRICHMENT_ATTEMPTS - 1);
      expect(entered.filter((state) => state === 'WaitUntilDue')).toHaveLength(3);
      expect(calls.Deliver.map(({ progress }) => progress.enrichment)).toEqual([FALLBACK]);
      expect(output).toMatchObject({ outcome: 'delivered', enrichment: FALLBACK });
    });

    test('responds at the second retry: delivered with learning time', async () => {
      const { output, calls } = await run(delivery(), {
        enrich: [failsOnceMore, settles(ENRICHED)],
        deliver: [delivers],
      });
      expect(calls.Enrich).toHaveLength(2);
      expect(output).toMatchObject({ outcome: 'delivered', enrichment: ENRICHED });
    });

    test('a task that crashes: the fallback, of the same delivery', async () => {
      const { output, calls } = await run(delivery(), { enrich: [throws('TypeError')], deliver: [delivers] });
      expect(calls.Enrich).toHaveLength(1);
      expect(calls.Deliver).toEqual([delivery({ enrichment: FALLBACK })]);
      expect(output.outcome).toBe('delivered');
    });

    test('faults of Lambda itself consume no attempts', async () => {
      const fault = throws('Lambda.TooManyRequestsException');
      const enrich = [fault, fault, fault, fault, fault, failsOnceMore, settles(ENRICHED)];
      const { output, calls } = await run(delivery(), { enrich, deliver: [delivers] });
      expect(calls.Enrich.map(({ progress }) => progress.enrichment)).toEqual([
        ...Array.from({ length: 6 }, () => pending(1)),
        pending(2),
      ]);
      expect(output).toMatchObject({ outcome: 'delivered', enrichment: ENRICHED });
    });

    test('Lambda out of order for an hour: the fallback', async () => {
      const { output, calls } = await run(delivery(), { enrich: [throws('Lambda.Unknown')], deliver: [delivers] });
      expect(calls.Enrich).toHaveLength(65);
      expect(output).toMatchObject({ outcome: 'delivered', enrichment: FALLBACK });
    });
  });

  describe('delivery', () => {
    const decided = delivery({ enrichment: ENRICHED });

    test('the partner responds 503, then 200: delivered when it is due again', async () => {
      const { output, calls, entered } = await run(decided, { deliver: [decides('retry', 'HTTP 503'), delivers] });
      expect(calls.Deliver.map(({ progress }) => progress.attempt)).toEqual([0, 1]);
      expect(entered.filter((state) => state === 'WaitUntilDue')).toHaveLength(2);
      expect(output).toMatchObject({ outcome: 'delivered', attempt: 2 });
    });

    test.each(['filtered', 'parked', 'duplicate'] as const)(
      '%s ends it, and sends no dead-letter message',
      async (outcome) => {
        const { output, calls } = await run(decided, { deliver: [decides(outcome, 'why')] });
        expect(output).toMatchObject({ outcome, reason: 'why' });
        expect(calls.Deliver).toHaveLength(1);
        expect(calls.SendDeadLetter).toEqual([]);
      },
    );

    test('dead: a dead-letter message that can be redriven, and an execution whose output has no payload', async () => {
      const { output, calls } = await run(decided, { deliver: [dies] });
      const redriven = { ...decided, generation: 3, progress: { enrichment: ENRICHED, attempt: 0, due_at: null } };
      expect(calls.SendDeadLetter).toEqual([
        {
          QueueUrl: '<QueuesDeliveriesDeadLetters>',
          MessageBody: redriven,
          MessageAttributes: {
            reason: { DataType: 'String', StringValue: 'HTTP 400' },
            integration_id: { DataType: 'String', StringValue: 'acme' },
            webhook_id: { DataType: 'String', StringValue: decided.webhook_id },
          },
        },
      ]);
      expect(deliverySchema.parse(redriven)).toEqual(redriven);
      expect(output).toMatchObject({ outcome: 'dead', reason: 'HTTP 400', attempt: 1 });
      expect(JSON.stringify(output)).not.toContain('score');
    });

    test('a dead-letter message that SQS refuses at first is resent', async () => {
      const refused = throws('SQS.SdkClientException');
      const { output, calls } = await run(decided, { deliver: [dies], sendDeadLetter: [refused, refused, () => ({})] });
      expect(calls.SendDeadLetter).toHaveLength(3);
      expect(output.outcome).toBe('dead');
    });

    test.each([...PASSING_FAULTS, ...NOT_RUN_FAULTS, ...INTERRUPTED_FAULTS])(
      '%s is retried, and consumes no attempt',
      async (name) => {
        const { output, calls } = await run(decided, { deliver: [throws(name), throws(name), delivers] });
        expect(calls.Deliver.map(({ progress }) => progress.attempt)).toEqual([0, 0, 0]);
        expect(output).toMatchObject({ outcome: 'delivered', attempt: 1 });
      },
    );

    test.each([
      ['TypeError', 1],
      ['InputInvalid', 1],
      ...INPUT_FAULTS.map((name) => [name, 1] as const),
      ['ConfigurationUnavailable', 23],
      ['States.Timeout', 13],
      ['Lambda.TooManyRequestsException', 297],
    ] as const)(
      '%s that does not pass fails the execution after %i calls, for the rescue to find',
      async (name, times) => {
        let calls = 0;
        const deliver = () => {
          calls += 1;
          return throws(name)();
        };
        await expect(run(decided, { deliver: [deliver] })).rejects.toMatchObject({ cause: { name } });
        expect(calls).toBe(times);
      },
    );
  });

  test('a rescued execution’s delivery goes straight to the dead letter queue', async () => {
    const progress = { enrichment: pending(2), attempt: 1, due_at: null };
    const rescued = delivery({
      ...progress,
      due_at: DUE,
      outcome: 'dead',
      reason: 'workflow execution FAILED: TypeError',
      redrive: { generation: 3, progress: { ...progress, attempt: 0 } },
    });
    const { output, calls, entered } = await run(rescued, {});
    expect(entered).toEqual(['WaitUntilDue', 'ChooseNextStep', 'ComposeDeadLetter', 'SendDeadLetter', 'Finished']);
    expect(calls.SendDeadLetter).toMatchObject([
      { MessageBody: { generation: 3, progress: { ...progress, attempt: 0 } } },
    ]);
    expect(output.outcome).toBe('dead');
  });
}
