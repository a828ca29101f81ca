import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deliverySchema, MAX_REASON_CHARACTERS, progressSchema } from '../../lambdas/events/delivery.ts';
import { dead, newDelivery, redriveOf, secondRound, waiting, withOutcome } from '../../lambdas/events/progress.ts';
import { delivery, ENRICHED, NOT_ENRICHED, PENDING, subject } from '../support/factories.ts';

const enrichment = fc.constantFrom(PENDING, ENRICHED, NOT_ENRICHED);
const anyDelivery = fc
  .record({
    enrichment,
    generation: fc.nat({ max: 1000 }),
    attempt: fc.nat({ max: 10 }),
    due_at: fc.constantFrom(null, '2026-01-15T12:00:00.000Z'),
    config_version: fc.constantFrom('v7', 'content-0123456789ab'),
  })
  .map(({ enrichment, generation, ...progress }) => delivery(enrichment, { generation }, progress));

describe('a delivery without an attempt', () => {
  test('has no attempts and no due time', () => {
    expect(newDelivery(subject(), ENRICHED)).toEqual({
      ...subject(),
      progress: { enrichment: ENRICHED, attempt: 0, due_at: null },
    });
  });
});

describe('a scheduled delivery', () => {
  const timed = newDelivery(subject({ send_at: '2026-01-15T13:00:00.000Z' }), NOT_ENRICHED);

  test('is due at that time, and may be superseded', () => {
    expect(timed.progress).toMatchObject({ due_at: '2026-01-15T13:00:00.000Z', timed: true });
    expect(progressSchema.parse(timed.progress)).toEqual(timed.progress);
  });

  test('may be superseded while it waits, until an operator replays it', () => {
    expect(withOutcome(timed, 1, 'retry', 'HTTP 503').timed).toBe(true);
    expect(waiting(timed, 'over the rate limit', 0).timed).toBe(true);
    expect(redriveOf(timed).progress.timed).toBeUndefined();
  });
});

test('a delivery in its second round has the attempts of the first one, until it is resent', () => {
  const again = secondRound(delivery(NOT_ENRICHED), 3, '3 attempts failed', new Date(0));
  expect(again).toMatchObject({
    outcome: 'retry',
    attempt: 3,
    earlier_attempts: 3,
    due_at: '1970-01-01T00:00:00.000Z',
  });
  const carried = { ...delivery(NOT_ENRICHED), progress: again };
  expect(withOutcome(carried, 4, 'retry', 'HTTP 503').earlier_attempts).toBe(3);
  expect(redriveOf(carried).progress.earlier_attempts).toBeUndefined();
});

describe('a delivery that is dead', () => {
  test('yields a dead-letter message that is a new delivery of the next generation', () => {
    fc.assert(
      fc.property(anyDelivery, fc.string(), (given, reason) => {
        const { redrive, ...progress } = dead(given, given.progress.attempt + 1, reason);
        const message = deliverySchema.parse(JSON.parse(JSON.stringify({ ...given, ...redrive })));
        expect(message).toEqual({
          ...given,
          generation: given.generation + 1,
          progress: {
            enrichment: given.progress.enrichment,
            config_version: given.progress.config_version,
            attempt: 0,
            due_at: null,
          },
        });
        expect(progressSchema.parse(progress)).toMatchObject({ outcome: 'dead', attempt: given.progress.attempt + 1 });
      }),
    );
  });

  test('has a reason of at most 500 characters', () => {
    expect(dead(delivery(), 1, 'HTTP 400').reason).toBe('HTTP 400');
    expect(dead(delivery(), 1, 'HTTP 400', 'refused').dead_reason).toBe('refused');
    expect(dead(delivery(), 1, 'x'.repeat(10_000)).reason).toHaveLength(MAX_REASON_CHARACTERS);
    // The workflow sends it as a message attribute: nothing that SQS refuses, and no half of a character.
    const long = `${'x'.repeat(MAX_REASON_CHARACTERS - 1)}😀`;
    expect(dead(delivery(), 1, long).reason).toBe('x'.repeat(MAX_REASON_CHARACTERS - 1));
    expect(dead(delivery(), 1, 'no field a\u0000b').reason).toBe('no field a?b');
    expect(dead(delivery(), 1, '').reason).toBe('unknown');
  });
});

describe('a delivery with another outcome', () => {
  test('has the number of its deferrals, which are part of its next token', () => {
    const given = delivery(ENRICHED, {}, { deferrals: 2 });
    expect(withOutcome(given, 1, 'retry', 'HTTP 503', new Date(0)).deferrals).toBe(2);
    expect(redriveOf(given).progress).not.toHaveProperty('deferrals');
  });
});
