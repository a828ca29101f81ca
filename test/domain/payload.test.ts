import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { composeBody, learningTimeObject } from '../../lambdas/domain/payload.ts';
import { jsonObjectText, jsonText } from '../support/arbitraries.ts';
import { ENRICHED } from '../support/factories.ts';
import { members, readJsonValue } from '../support/json-values.ts';

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
    [0, 0],
    [1, 0],
    [18, 0.01],
    [3_599, 1],
    [3_600, 1],
    [5_400, 1.5],
    [100_000, 27.78],
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

describe('the body of a webhook', () => {
  test('without learning time is the payload, byte for byte', () => {
    fc.assert(
      fc.property(jsonObjectText, (payload) => {
        expect(composeBody(payload, { status: 'plain', reason: 'no_data' })).toBe(payload);
      }),
    );
  });

  test('with learning time is the payload value for value, but for learning_time', () => {
    fc.assert(
      fc.property(jsonObjectText, (payload) => {
        const before = members(payload);
        const after = members(composeBody(payload, ENRICHED));
        expect(after.get('learning_time')).toEqual(
          readJsonValue(JSON.stringify(learningTimeObject(ENRICHED.total_seconds, ENRICHED.last_updated))),
        );
        before.delete('learning_time');
        after.delete('learning_time');
        expect(after).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  test('has the warehouse’s learning time in place of one that the LMS put there', () => {
    fc.assert(
      fc.property(jsonText, (value) => {
        const body = composeBody(`{"learning_time":${value},"score":1.0}`, ENRICHED);
        expect(JSON.parse(body).learning_time).toEqual(learningTimeObject(18_540, LAST_UPDATED));
        expect(body).toContain('"score":1.0');
      }),
    );
  });

  test('says a true 0 as 0', () => {
    expect(composeBody('{}', { ...ENRICHED, total_seconds: 0 })).toBe(
      `{"learning_time":{"total_seconds":0,"total_hours":0,"last_updated":"${LAST_UPDATED}"}}`,
    );
  });
});
