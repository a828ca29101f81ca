import { describe, expect, test } from '@jest/globals';
import { deliverySchema, enrichmentSchema, PLAIN_REASONS, progressSchema } from '../../lambdas/contract/delivery.ts';
import { delivery, ENRICHED, PENDING, PLAIN } from '../support/factories.ts';

const fits = (overrides: Record<string, unknown>) => deliverySchema.safeParse({ ...delivery(), ...overrides }).success;

describe('a delivery', () => {
  test('is read as it was written', () => {
    for (const enrichment of [ENRICHED, PLAIN, PENDING]) {
      const written = delivery(enrichment);
      expect(deliverySchema.parse(JSON.parse(JSON.stringify(written)))).toEqual(written);
    }
  });

  test.each(['user_id', 'course_id', 'enterprise_customer_uuid'])('may come without %s', (field) => {
    const { [field]: _, ...rest } = delivery() as Record<string, unknown>;
    expect(deliverySchema.safeParse(rest).success).toBe(true);
  });

  test.each([
    ['schema_version', 2],
    ['webhook_id', 'wh_1'],
    ['webhook_id', `wh_${'A'.repeat(40)}`],
    ['webhook_id', `wh_${'a'.repeat(40)}.`],
    ['event_type', 'grading'],
    ['integration_id', '../x'],
    ['generation', -1],
    ['generation', 1.5],
    ['user_id', 42],
    ['user_id', '4e2'],
    ['user_id', '1'.repeat(19)],
    ['course_id', ''],
    ['payload', { a: 1 }],
    ['payload', ''],
    ['progress', null],
  ])('does not fit with %s %p', (field, value) => expect(fits({ [field]: value })).toBe(false));
});

describe('the progress of a delivery', () => {
  test('may wait for nothing yet', () => expect(progressSchema.parse(delivery().progress).due_at).toBeNull());

  test.each([
    ['due_at', '2026-01-15T12:00:00+01:00'],
    ['due_at', 1768478400],
    ['attempt', -1],
    ['outcome', 'lost'],
  ])('does not fit with %s %p', (field, value) => {
    expect(progressSchema.safeParse({ ...delivery().progress, [field]: value }).success).toBe(false);
  });
});

describe('what is known of the learning time', () => {
  test.each(PLAIN_REASONS)('may be that none is added: %s', (reason) => {
    expect(enrichmentSchema.safeParse({ status: 'plain', reason }).success).toBe(true);
  });

  test('is a true 0 too', () => {
    expect(enrichmentSchema.parse({ ...ENRICHED, total_seconds: 0 })).toMatchObject({ total_seconds: 0 });
  });

  test.each([
    { status: 'plain', reason: 'because' },
    { ...ENRICHED, total_seconds: -1 },
    { ...ENRICHED, total_seconds: 1.5 },
    { ...ENRICHED, total_seconds: null },
    { ...ENRICHED, last_updated: '2026-01-10' },
    { ...ENRICHED, source: 'guess' },
    { ...PENDING, tries: 0 },
    { ...PENDING, first_failed_at: null },
    { status: 'enriched' },
    {},
  ])('is not %j', (enrichment) => expect(enrichmentSchema.safeParse(enrichment).success).toBe(false));
});
