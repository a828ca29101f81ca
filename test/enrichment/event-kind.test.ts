import { describe, expect, test } from '@jest/globals';
import { readKind } from '../../lambdas/enrichment/accept-event.ts';
import { eventSchema } from '../../lambdas/events/event.ts';
import { event, NOW } from '../support/factories.ts';

const LEAD = { user_id: 7, lead_type: 'cold', timestamp: '2026-01-15T11:59:00Z' };

const kindOf = (payload: object, more: object = {}) =>
  readKind(eventSchema.parse(event({ event_type: 'lead', payload, ...more })), NOW);
const leadWith = (overrides: object, more: object = {}) => kindOf({ ...LEAD, ...overrides }, more);

describe('a lead', () => {
  test('has the kind and the user of its payload', () => {
    expect(leadWith({})).toEqual({ kind: 'lead.cold', userId: 7 });
    expect(leadWith({ lead_type: 'hot', priority: 'high' })).toEqual({ kind: 'lead.hot', userId: 7 });
  });

  test.each([
    [{ user_id: undefined }, 'payload.user_id: '],
    [{ user_id: 0 }, 'payload.user_id: '],
    [{ user_id: 1.5 }, 'payload.user_id: '],
    [{ user_id: 2 ** 60 }, 'payload.user_id: '],
    [{ user_id: '0' }, 'payload.user_id: '],
    [{ user_id: '1'.repeat(19) }, 'payload.user_id: '],
    [{ user_id: 'tg_7' }, 'payload.user_id: '],
    [{ lead_type: undefined }, 'payload.lead_type: must be one of '],
    [{ lead_type: 'HOT' }, 'payload.lead_type: must be one of '],
    [{ lead_type: 'constructor' }, 'payload.lead_type: must be one of '],
    [{ timestamp: undefined }, 'payload.timestamp: '],
    [{ timestamp: 'yesterday' }, 'payload.timestamp: '],
    [{ timestamp: 1_736_942_400 }, 'payload.timestamp: '],
    [{ lead_type: 'hot' }, 'payload.priority: '],
    [{ lead_type: 'hot', priority: 'low' }, 'payload.priority: '],
  ])('with %j is refused because of that field only', (overrides, reason) => {
    const fault = leadWith(overrides);
    expect(fault).toMatch(new RegExp(`^${reason}`));
    expect(fault).not.toContain('; ');
  });

  test.each(['2026-01-15T11:59:00.123456', '2026-01-15T11:59:00+03:00', '2026-01-15T11:59:00Z'])(
    'may have the timestamp %s',
    (timestamp) => expect(leadWith({ timestamp })).toHaveProperty('kind', 'lead.cold'),
  );
});

describe('the scheduled time of a lead', () => {
  const calculated = (more: object) => leadWith({ lead_type: 'calculated' }, more);

  test.each([
    ['an hour after it occurred', {}, '2026-01-15T12:59:58.000Z'],
    ['after its own delay', { delay_minutes: 90 }, '2026-01-15T13:29:58.000Z'],
    ['with a delay of 0', { delay_minutes: 0 }, '2026-01-15T11:59:58.000Z'],
    ['after half a minute', { delay_minutes: 0.5 }, '2026-01-15T12:00:28.000Z'],
    ['at its own time', { send_at: '2026-01-16T10:00:00+02:00' }, '2026-01-16T08:00:00.000Z'],
    ['at a time that has passed', { send_at: '2020-01-01T00:00:00Z' }, '2020-01-01T00:00:00.000Z'],
    ['null, as Python publishers write None', { send_at: null, delay_minutes: null }, '2026-01-15T12:59:58.000Z'],
  ])('%s', (_, more, sendAt) => {
    expect(calculated(more)).toEqual({ kind: 'lead.calculated', userId: 7, sendAt });
  });

  test.each([
    [{ delay_minutes: 5 }, 'delay_minutes: lead.cold is sent immediately'],
    [{ send_at: '2026-01-16T10:00:00Z' }, 'send_at: lead.cold is sent immediately'],
  ])('is refused for a kind without a timer: %j', (more, fault) => expect(leadWith({}, more)).toBe(fault));

  test('is refused for a course event too', () => {
    expect(readKind(eventSchema.parse(event({ delay_minutes: 5 })), NOW)).toBe(
      'delay_minutes: course_completion is sent immediately',
    );
  });
});

test('a course event has its type as its kind, and the user id at `user.id`', () => {
  expect(readKind(eventSchema.parse(event()), NOW)).toEqual({ userId: 42 });
  expect(readKind(eventSchema.parse(event({ payload: { user: null } })), NOW)).toEqual({ userId: undefined });
});
