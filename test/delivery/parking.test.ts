import { expect, test } from '@jest/globals';
import { type Parking, park } from '../../lambdas/delivery/parking.ts';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, NOW } from '../support/factories.ts';

const PAUSED = { cause: 'paused', why: 'it is paused' } as const;

function parked(progress: object, parking: Parking = PAUSED, random = 0.5) {
  const [log, counter] = [fakeLog(), fakeCounter()];
  const given = delivery(ENRICHED, {}, { attempt: 3, ...progress });
  const result = park(given, parking, { log, counter, now: () => NOW, random: () => random });
  return { given, result, log, counter };
}

test.each([
  [0, 0.5, 1],
  [1, 0.5, 2],
  [2, 0.5, 4],
  [3, 0.5, 8],
  [4, 0.5, 16],
  [5, 0.5, 32],
  [0, 0, 0.9],
  [5, 1, 35.2],
])('after %d waits, with jitter %d, a parked delivery waits %d minutes', (park_count, random, minutes) => {
  const { result } = parked({ park_count }, PAUSED, random);
  expect((Date.parse(result.due_at ?? '') - NOW) / 60_000).toBeCloseTo(minutes);
});

test('a parked delivery spends no attempt and loses its reserved slot', () => {
  const { given, result } = parked({ reserved_for: '2026-01-15T12:00:00.000Z' });
  expect(result).toMatchObject({ outcome: 'retry', attempt: 3, park_count: 1, reason: 'parked: it is paused' });
  expect(result.reserved_for).toBeUndefined();
  expect(deliverySchema.parse({ ...given, progress: result }).progress).toEqual(result);
});

test('after the last wait it is parked in the ledger, with the reason', () => {
  const { given, result, log, counter } = parked({ park_count: 6 }, { cause: 'gone', why: 'it is gone' });
  const outcome = { outcome: 'parked', reason: 'parked: it is gone' };
  expect(result).toEqual({ enrichment: ENRICHED, attempt: 3, due_at: null, ...outcome, parked_for: 'gone' });
  expect(log.only('delivery.parked')).toEqual({ webhook_id: given.webhook_id, integration_id: 'acme', ...outcome });
  expect(counter.counts).toEqual({ [METRICS.deliveryParked]: 1 });
});
