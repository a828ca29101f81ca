import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseKeepingNumbers } from '../../lambdas/domain/json-text.ts';
import { formatFault, learningTimeObject } from '../../lambdas/domain/payload-formats.ts';

const LAST_UPDATED = '2026-01-10T00:00:00Z';

describe('learning time as a partner gets it', () => {
  test('is the documented object', () => {
    expect(learningTimeObject(18_540, LAST_UPDATED)).toEqual({
      total_seconds: 18_540,
      total_hours: 5.15,
      last_updated: LAST_UPDATED,
    });
  });

  test.each([
    [18, 0.01],
    [3_599, 1],
  ])('%i seconds are %d hours', (seconds, hours) => {
    expect(learningTimeObject(seconds, LAST_UPDATED).total_hours).toBe(hours);
  });

  test('hours have two decimals and are within half a hundredth', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), (seconds) => {
        const { total_hours: hours } = learningTimeObject(seconds, LAST_UPDATED);
        expect(JSON.stringify(hours)).toMatch(/^\d+(\.\d{1,2})?$/);
        expect(Math.abs(hours - seconds / 3600)).toBeLessThanOrEqual(0.005_000_1);
      }),
    );
  });
});

const PERCIPIO = {
  content_id: 'course:Org+Course',
  user: '7d2c1b3a-0000-4000-8000-000000000011',
  orgid: '7d2c1b3a-0000-4000-8000-000000000001',
  status: 'completed',
  event_date: '2026-01-15T11:59:58Z',
  completion_percentage: 100,
  duration_spent: 60,
};

const percipioFault = (changes: Record<string, unknown>, state: 'filled' | 'plain' = 'filled') =>
  formatFault('percipio', state, { ...PERCIPIO, ...changes });

describe('Percipio’s document', () => {
  test.each([
    ['as the LMS writes it', {}],
    ['with a started course', { status: 'started', completion_percentage: 0 }],
    ['without user and organisation', { user: null, orgid: null }],
    ['with a UUID of no version', { user: '7d2c1b3a-0000-0000-0000-000000000011' }],
    ['with a run in its content id', { content_id: 'course:Org+Course.1x+2026_T1' }],
    ['with a fraction of a percentage', { completion_percentage: 99.5 }],
    ['with further fields', { grade: 'A', details: { any: ['thing'] } }],
  ])('fits %s', (_how, changes) => {
    expect(percipioFault(changes)).toBeUndefined();
    expect(percipioFault(changes, 'plain')).toBeUndefined();
  });

  test.each([
    [
      'content_id',
      [
        undefined,
        null,
        5,
        '',
        'Org+Course',
        'course:Org',
        'course:Org+',
        'course:Org+A course',
        'course-v1:Org+Course',
      ],
    ],
    [
      'user',
      [
        undefined,
        42,
        'learner@example.com',
        ['7d2c1b3a-0000-4000-8000-000000000011'],
        '7d2c1b3a00004000800000000000001',
      ],
    ],
    ['orgid', [undefined, 42, '', {}]],
    ['status', [undefined, null, 'Completed', 'passed', 1]],
    [
      'event_date',
      [
        undefined,
        null,
        1_768_478_398,
        '2026-01-15',
        '2026-01-15T11:59Z',
        '2026-01-15T11:59:58',
        '2026-01-15T11:59:58.123Z',
        '2026-01-15T11:59:58+00:00',
        '2026-02-30T11:59:58Z',
        '2026-01-15T24:00:00Z',
      ],
    ],
    ['completion_percentage', [undefined, null, '100', -0.1, 100.1]],
    ['duration_spent', [undefined, null, '60', -1, [60]]],
  ])('does not fit with a %s that is wrong', (field, values) => {
    for (const value of values) {
      const fault = percipioFault({ [field]: value });
      expect(fault).toMatch(new RegExp(`^the payload does not fit percipio: ${field} must be [^;]*$`));
    }
  });

  test('needs no duration while the learning time is unknown, but a right one where it has one', () => {
    expect(percipioFault({ duration_spent: undefined }, 'plain')).toBeUndefined();
    expect(percipioFault({ duration_spent: null }, 'plain')).toBeUndefined();
    expect(percipioFault({ duration_spent: '60' }, 'plain')).toContain('duration_spent must be a number');
  });
});

describe('a completion with learning time in a field', () => {
  const fault = (completion: unknown, state: 'filled' | 'plain') =>
    formatFault('completion_field', state, { completion });

  test('has whole seconds there', () => {
    expect(fault({ learning_time: 3600, passed: true }, 'filled')).toBeUndefined();
    for (const value of [undefined, null, '3600', 3600.5, -1]) {
      expect(fault({ learning_time: value }, 'filled')).toMatch(/completion\.learning_time must be/);
    }
  });

  test('may have none while it is unknown, but no wrong one of the LMS’s own', () => {
    for (const value of [undefined, null, 0, 3600]) expect(fault({ learning_time: value }, 'plain')).toBeUndefined();
    for (const value of ['3600', 3600.5, -1, {}]) {
      expect(fault({ learning_time: value }, 'plain')).toMatch(/completion\.learning_time must be/);
    }
  });

  test.each([undefined, null])('needs no object around it while it is unknown: %p', (completion) => {
    expect(fault(completion, 'plain')).toBeUndefined();
  });
});

describe('what is wrong with a payload', () => {
  test('is said of every field, in words that name no value', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.keys(PERCIPIO)), { minLength: 1 }), (wrong) => {
        const changes = Object.fromEntries(wrong.map((field) => [field, 'learner@example.com']));
        const fault = percipioFault(changes);
        for (const field of Object.keys(PERCIPIO)) expect(fault?.includes(field)).toBe(wrong.includes(field));
        expect(fault).not.toContain('learner');
        expect(fault?.length).toBeLessThan(500);
      }),
    );
  });

  test('is nothing where a number is only written in another way', () => {
    const text = '{"completion":{"learning_time":36e2},"completion_percentage":1.00e2,"duration_spent":0.0}';
    const { completion, ...numbers } = parseKeepingNumbers(text) as Record<string, unknown>;
    expect(percipioFault(numbers)).toBeUndefined();
    expect(formatFault('completion_field', 'plain', { completion })).toBeUndefined();
  });
});
