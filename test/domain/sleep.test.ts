import { describe, expect, test } from '@jest/globals';
import { deliverySchema } from '../../lambdas/contract/delivery.ts';
import { asleep } from '../../lambdas/domain/sleep.ts';
import { delivery, ENRICHED, NOW } from '../support/factories.ts';

const PAUSED = { cause: 'paused', why: 'it is paused' } as const;

const minutesAsleep = (sleeps: number | undefined, random: number) => {
  const given = delivery(ENRICHED, {}, { attempt: 3, ...(sleeps !== undefined && { sleeps }) });
  return (Date.parse(asleep(given, PAUSED, NOW, () => random).due_at ?? '') - NOW) / 60_000;
};

describe('a parked delivery', () => {
  test('sleeps 1, 2, 4, 8, 16 and 32 minutes, 10% more or less', () => {
    expect([undefined, 1, 2, 3, 4, 5].map((sleeps) => minutesAsleep(sleeps, 0.5))).toEqual([1, 2, 4, 8, 16, 32]);
    expect(minutesAsleep(0, 0)).toBeCloseTo(0.9);
    expect(minutesAsleep(5, 1)).toBeCloseTo(35.2);
  });

  test('spends no try, and gives up a moment that was reserved for it', () => {
    const given = delivery(ENRICHED, {}, { attempt: 3, reserved_for: '2026-01-15T12:00:00.000Z' });
    const result = asleep(given, PAUSED, NOW, () => 0.5);
    expect(result).toMatchObject({ outcome: 'retry', attempt: 3, sleeps: 1, reason: 'parked: it is paused' });
    expect(result.reserved_for).toBeUndefined();
    expect(deliverySchema.parse({ ...given, progress: result }).progress).toEqual(result);
  });

  test('is for the ledger to hold after the last sleep, and says why', () => {
    const gone = { cause: 'gone', why: 'it is gone' } as const;
    const result = asleep(delivery(ENRICHED, {}, { attempt: 3, sleeps: 6 }), gone, NOW, () => 0.5);
    expect(result).toEqual({
      enrichment: ENRICHED,
      attempt: 3,
      due_at: null,
      outcome: 'parked',
      reason: 'parked: it is gone',
      parked_for: 'gone',
    });
  });
});
