import { expect, test } from '@jest/globals';
import { deliverySchema, enrichmentSchema, progressSchema } from '../../lambdas/events/delivery.ts';
import { delivery, ENRICHED, NOT_ENRICHED, PENDING } from '../support/factories.ts';

const isValid = (overrides: Record<string, unknown>) =>
  deliverySchema.safeParse({ ...delivery(), ...overrides }).success;

test.each([ENRICHED, NOT_ENRICHED, PENDING])('a delivery round-trips: $status', (enrichment) => {
  const written = delivery(enrichment);
  expect(deliverySchema.parse(JSON.parse(JSON.stringify(written)))).toEqual(written);
});

test.each([
  // The LMS's own text.
  ['occurred_at', '2026-01-15T12:00:00.123+05:30'],
  ['user_id', undefined],
  ['course_id', undefined],
  ['enterprise_customer_uuid', undefined],
])('a delivery may have %s %p', (field, value) => expect(isValid({ [field]: value })).toBe(true));

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
])('a delivery must not have %s %p', (field, value) => expect(isValid({ [field]: value })).toBe(false));

test.each([
  ['due_at', '2026-01-15T12:00:00+01:00'],
  ['due_at', 1768478400],
  ['attempt', -1],
  ['outcome', 'lost'],
])('a progress must not have %s %p', (field, value) => {
  expect(progressSchema.safeParse({ ...delivery().progress, [field]: value }).success).toBe(false);
});

test.each([
  { status: 'not_enriched', reason: 'because' },
  { ...ENRICHED, total_seconds: -1 },
  { ...ENRICHED, total_seconds: 1.5 },
  { ...ENRICHED, last_updated: '2026-01-10' },
  { ...PENDING, attempts: 0 },
  {},
])('an enrichment must not be %j', (enrichment) => expect(enrichmentSchema.safeParse(enrichment).success).toBe(false));
