import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deliverySchema } from '../../lambdas/contract/delivery.ts';
import { type FailedExecution, rescueInput } from '../../lambdas/domain/rescue.ts';
import { delivery, ENRICHED, NOW, PENDING, PLAIN } from '../support/factories.ts';

const failed = (input: unknown, overrides: Partial<FailedExecution> = {}): FailedExecution => ({
  name: 'wh_1-g0',
  status: 'FAILED',
  error: 'States.Runtime',
  input: JSON.stringify(input),
  ...overrides,
});
const rescued = (input: unknown, overrides: Partial<FailedExecution> = {}) =>
  rescueInput(failed(input, overrides), new Date(NOW));

/** What the workflow puts into the dead letter queue: the state, merged with `redrive`. */
const letterOf = (input: Record<string, unknown>) => {
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

  test('leaves a dead letter that is a delivery as if new, of the next generation', () => {
    const anyDelivery = fc
      .record({ enrichment: fc.constantFrom(PENDING, ENRICHED, PLAIN), generation: fc.nat(), attempt: fc.nat() })
      .map(({ enrichment, generation, attempt }) => delivery(enrichment, { generation }, { attempt }));
    fc.assert(
      fc.property(anyDelivery, (given) => {
        const letter = deliverySchema.parse(letterOf(rescued(given)));
        expect(letter).toEqual({
          ...given,
          generation: given.generation + 1,
          progress: { enrichment: given.progress.enrichment, attempt: 0, due_at: null },
        });
      }),
    );
  });

  test('of what waits leaves a letter that waits on: redriven, it is not sent early, and may be cancelled', () => {
    const waiting = delivery(PLAIN, { send_at: '2026-01-18T09:00:00.000Z' }, { attempt: 1 });
    expect(deliverySchema.parse(letterOf(rescued(waiting)))).toMatchObject({
      generation: 1,
      progress: { attempt: 0, timed: true, due_at: '2026-01-18T09:00:00.000Z' },
    });
  });

  test('of an execution that was stopped says so, without an error', () => {
    expect(rescued(delivery(), { status: 'ABORTED', error: undefined }).progress).toMatchObject({
      reason: 'workflow execution ABORTED',
    });
  });

  test('names an integration and a webhook as SQS takes them, whatever the input has there', () => {
    const input = JSON.stringify({ integration_id: 'a\u0000\uD800', webhook_id: '😀'.repeat(300) });
    const { integration_id, webhook_id } = rescued(delivery(), { input }) as Record<string, string>;
    expect(integration_id).toBe('a??');
    expect(webhook_id).toBe('😀'.repeat(250));
  });

  test('has a reason of at most 500 characters', () => {
    const { reason } = rescued(delivery(), { error: 'E'.repeat(10_000) }).progress as { reason: string };
    expect(reason).toHaveLength(500);
  });
});

describe('an input that is no delivery', () => {
  test('is kept field by field, and named as unknown where it names nobody', () => {
    const { progress, ...fields } = rescued({ order: 1.5, webhook_id: '', integration_id: 7 });
    expect(fields).toEqual({ order: 1.5, webhook_id: 'unknown', integration_id: 'unknown' });
    expect(progress).toMatchObject({ outcome: 'dead', redrive: { progress: {} } });
  });

  test('keeps the names it has', () => {
    expect(rescued({ webhook_id: 'wh_1', integration_id: 'acme', schema_version: 9 })).toMatchObject({
      webhook_id: 'wh_1',
      integration_id: 'acme',
      schema_version: 9,
    });
  });

  test('keeps its own progress in the letter', () => {
    const input = { schema_version: 9, progress: { enrichment: { status: 'new' }, attempt: 3 } };
    expect(letterOf(rescued(input)).progress).toEqual(input.progress);
  });

  test('of any kind at all has what the workflow reads', () => {
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
