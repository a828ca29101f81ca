import { describe, expect, test } from '@jest/globals';
import { doublingFromOneSecond } from '../../../lambdas/events/event-types/event-type.ts';
import {
  EVENT_TYPES,
  KINDS,
  kindNamed,
  kindOf,
  kindOfEvent,
  typeOfKind,
} from '../../../lambdas/events/event-types/event-types.ts';

describe('kinds of events', () => {
  test('each is of one type', () => {
    expect(typeOfKind('course_completion')).toBe('course_completion');
    expect(typeOfKind('lead.hot')).toBe('lead');
    expect(new Set(KINDS.map(typeOfKind))).toEqual(new Set(EVENT_TYPES));
    expect(() => typeOfKind('leader')).toThrow('there is no kind leader');
  });

  test('are named by a field of the payload', () => {
    expect(kindOfEvent('lead', { lead_type: 'cold' })).toBe('lead.cold');
    expect(kindOfEvent('course_completion', { lead_type: 'cold' })).toBe('course_completion');
  });

  test('of events that an older version accepted are their types', () => {
    expect(kindOf({ event_type: 'course_completion' })).toBe('course_completion');
    expect(kindOf({ event_type: 'lead', kind: 'lead.hot' })).toBe('lead.hot');
  });

  test('of a newer version have the default rules', () => expect(kindNamed('lead.lukewarm')).toEqual({}));
});

test.each([
  [1, []],
  [2, [1]],
  [5, [1, 2, 4, 8]],
])('%i attempts have %j seconds between them', (attempts, delaysSeconds) => {
  expect(doublingFromOneSecond(attempts)).toEqual({ delaysSeconds });
});
