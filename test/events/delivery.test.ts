import { describe, expect, test } from '@jest/globals';
import { deliverySchema, enrichmentSchema, progressSchema } from '../../lambdas/events/delivery.ts';
import { delivery, ENRICHED, NOT_ENRICHED, PENDING } from '../support/factories.ts';

const fits = (overrides: Record<string, unknown>) => deliverySchema.safeParse({ ...delivery(), ...overrides }).success;

describe('a delivery', () => {
  test('round-trips', () => {
    for (const enrichment of [ENRICHED, NOT_ENRICHED, PENDING]) {
      const written = delivery(enrichment);
      expect(deliverySchema.parse(JSON.parse(JSON.stringify(written)))).toEqual(written);
    }
  });

  // As the LMS wrote it: accepting an event does not change it.
  test.each(['2026-01-15T12:00:00Z', '2026-01-15T12:00:00.123+05:30'])('may have occurred at %s', (time) =>
    expect(fits({ occurred_at: time })).toBe(true),
  );

  test.each(['user_id', 'course_id', 'enterprise_customer_uuid'])('may omit %s', (field) => {
    const { [field]: _, ...rest } = delivery() as Record<string, unknown>;
    expect(deliverySchema.safeParse(rest).success).toBe(true);
  });

  test.each([
    ['schema_version', 2],
    ['webhook_id', 'wh_1'],
    ['webhook_id', `wh_${'a'.repeat(40)}.`],
    ['integration_id', '../x'],
    ['generation', -1],
    ['user_id', 42],
    ['user_id', '1'.repeat(19)],
    ['course_id', ''],
    ['payload', { a: 1 }],
    ['progress', null],
  ])('does not fit with %s %p', (field, value) => expect(fits({ [field]: value })).toBe(false));
});

describe('the progress of a delivery', () => {
  test.each([
    ['due_at', '2026-01-15T12:00:00+01:00'],
    ['due_at', 1768478400],
    ['attempt', -1],
    ['outcome', 'lost'],
  ])('does not fit with %s %p', (field, value) => {
    expect(progressSchema.safeParse({ ...delivery().progress, [field]: value }).success).toBe(false);
  });
});

describe('the enrichment', () => {
  test.each([
    { status: 'not_enriched', reason: 'because' },
    { ...ENRICHED, total_seconds: -1 },
    { ...ENRICHED, total_seconds: 1.5 },
    { ...ENRICHED, last_updated: '2026-01-10' },
    { ...PENDING, attempts: 0 },
    { status: 'enriched' },
    {},
  ])('is not %j', (enrichment) => expect(enrichmentSchema.safeParse(enrichment).success).toBe(false));
});
