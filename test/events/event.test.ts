import { describe, expect, test } from '@jest/globals';
import { eventSchema } from '../../lambdas/events/event.ts';
import { event } from '../support/factories.ts';

const OPTIONAL = ['event_id', 'region', 'user_id', 'course_id', 'enterprise_customer_uuid'];

const fits = (overrides: Record<string, unknown>) => eventSchema.safeParse(event(overrides)).success;

describe('an event', () => {
  test.each(OPTIONAL)('may omit %s, or set it to null as Python does', (field) => {
    expect(eventSchema.parse(event({ [field]: null }))).toEqual(eventSchema.parse(event()));
  });

  test('names its receiver by integration, or by region', () => {
    expect(fits({ integration_id: 'acme' })).toBe(true);
    expect(fits({ integration_id: null, region: 'EU' })).toBe(true);
    expect(fits({ integration_id: null })).toBe(false);
    expect(fits({ integration_id: null, region: null })).toBe(false);
  });

  test('loses unknown fields', () => {
    expect(eventSchema.parse(event({ newer: 1 }))).not.toHaveProperty('newer');
  });

  test.each([
    '2026-01-15T12:00:00Z',
    '2026-01-15T12:00:00.123456Z',
    '2026-01-15T12:00:00+00:00',
    '2026-01-15T23:59:59.9-11:30',
  ])('happened at %s', (occurred_at) => expect(fits({ occurred_at })).toBe(true));

  test.each(['2026-01-15', '2026-01-15T12:00:00', '2026-02-30T12:00:00Z', 1768478400, null])(
    'did not happen at %p',
    (occurred_at) => expect(fits({ occurred_at })).toBe(false),
  );

  test.each([['a'], ['A-1_b'], ['e'.repeat(128)]])('has the id %s', (event_id) =>
    expect(fits({ event_id })).toBe(true),
  );

  test.each([[''], ['a.b'], ['a b'], ['é'], ['a\n'], ['e'.repeat(129)], [5]])('has not the id %p', (event_id) => {
    expect(fits({ event_id })).toBe(false);
  });

  test.each([['a/b'], ['..'], ['a:b'], ['i'.repeat(65)], [''], ['a\n']])(
    'is not for an integration %p',
    (integration_id) => {
      expect(fits({ integration_id })).toBe(false);
    },
  );

  test.each([[42], ['42'], ['sample_learner'], [0]])(
    'is of the user %p: who can be asked for is decided later',
    (user_id) => {
      expect(fits({ user_id })).toBe(true);
    },
  );

  test.each([[true], [{}], [[42]], ['u'.repeat(65)]])('is not of the user %p', (user_id) =>
    expect(fits({ user_id })).toBe(false),
  );
});
