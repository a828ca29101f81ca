import { expect, test } from '@jest/globals';
import { eventSchema } from '../../lambdas/events/event.ts';
import { event } from '../support/factories.ts';

const isValid = (overrides: Record<string, unknown>) => eventSchema.safeParse(event(overrides)).success;

test.each(['event_id', 'region', 'user_id', 'course_id', 'enterprise_customer_uuid'])(
  'an event may omit %s, or set it to null as Python does',
  (field) => expect(eventSchema.parse(event({ [field]: null }))).toEqual(eventSchema.parse(event())),
);

test('unknown fields are ignored', () => {
  expect(eventSchema.parse(event({ newer: 1 }))).not.toHaveProperty('newer');
});

test('an event names its receiver by integration, or by region', () => {
  expect(isValid({ integration_id: null, region: 'EU' })).toBe(true);
  expect(isValid({ integration_id: null })).toBe(false);
});

const VALID: Readonly<Record<string, readonly unknown[]>> = {
  occurred_at: ['2026-01-15T12:00:00Z', '2026-01-15T12:00:00.123456Z', '2026-01-15T23:59:59.9-11:30'],
  event_id: ['a', 'A-1_b', 'e'.repeat(128)],
  // `acceptEvent` decides whether the warehouse can use the id.
  user_id: [42, '42', 'sample_learner', 0],
};
const INVALID: Readonly<Record<string, readonly unknown[]>> = {
  occurred_at: ['2026-01-15', '2026-01-15T12:00:00', '2026-02-30T12:00:00Z', 1768478400, null],
  event_id: ['', 'a.b', 'a b', 'é', 'a\n', 'e'.repeat(129), 5],
  integration_id: ['a/b', '..', 'a:b', 'i'.repeat(65), '', 'a\n'],
  user_id: [true, {}, [42], 'u'.repeat(65)],
  delay_minutes: [-1, 10_081, '5'],
  send_at: ['2026-01-16', '2026-01-16T10:00:00'],
};
const cases = (byField: typeof VALID) =>
  Object.entries(byField).flatMap(([field, values]) => values.map((value) => [field, value] as const));

test.each(cases(VALID))('%s may be %p', (field, value) => expect(isValid({ [field]: value })).toBe(true));

test.each(cases(INVALID))('%s must not be %p', (field, value) => expect(isValid({ [field]: value })).toBe(false));

test('send_at and delay_minutes exclude each other', () => {
  expect(isValid({ send_at: '2026-01-16T10:00:00Z', delay_minutes: 5 })).toBe(false);
});
