import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeLearningTime,
  encodeLearningTime,
  jitteredTtlSeconds,
} from '../../lambdas/warehouse/cached-learning-time.ts';
import type { LearningTime } from '../../lambdas/warehouse/learning-time.ts';

const date = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((day) => day.toISOString().slice(0, 10));
const found = fc
  .record({ totalSeconds: fc.nat({ max: Number.MAX_SAFE_INTEGER }), lastDate: date })
  .map((fields): LearningTime => ({ found: true, ...fields }));
const answer = fc.oneof(found, fc.constant<LearningTime>({ found: false }));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('what the cache holds', () => {
  test('every answer comes back as it was stored', () => {
    fc.assert(fc.property(answer, (value) => expect(decodeLearningTime(encodeLearningTime(value))).toEqual(value)));
  });

  test('the text is the documented one: deployed versions read each other', () => {
    expect(encodeLearningTime({ found: true, totalSeconds: 18540, lastDate: '2026-01-10' })).toBe(
      '{"s":18540,"d":"2026-01-10"}',
    );
    expect(encodeLearningTime({ found: false })).toBe('{"none":1}');
  });

  test('any text at all is read as an answer or as nothing, never an error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const value = decodeLearningTime(text);
        if (value !== undefined) expect(decodeLearningTime(encodeLearningTime(value))).toEqual(value);
      }),
    );
  });

  test.each([
    '',
    '{}',
    '{"s":1}',
    '{"s":"1","d":"2026-01-10"}',
    '{"s":-1,"d":"2026-01-10"}',
    '{"s":1e999,"d":"2026-01-10"}',
    '{"s":1,"d":"2026-02-30"}',
    '{"s":1,"d":"2026-01-10","v":2}',
    '{"s":1,"d":"2026-01-10","none":1}',
    '{"none":0}',
    '{"s":1,"d":"2026-01-1',
  ])('%s is nothing', (text) => expect(decodeLearningTime(text)).toBeUndefined());

  test('a cut text is nothing', () => {
    fc.assert(
      fc.property(answer, fc.nat({ max: 40 }), (value, length) => {
        const text = encodeLearningTime(value);
        fc.pre(length < text.length);
        expect(decodeLearningTime(text.slice(0, length))).toBeUndefined();
      }),
    );
  });
});

describe('time to live', () => {
  test('is a whole number of seconds, at least 1, within 10% or the nearest whole number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 * 24 * 3600 }), random, (ttlSeconds, draw) => {
        const jittered = jitteredTtlSeconds(ttlSeconds, draw);
        expect(Number.isInteger(jittered)).toBe(true);
        expect(jittered).toBeGreaterThanOrEqual(1);
        expect(Math.abs(jittered - ttlSeconds)).toBeLessThanOrEqual(ttlSeconds * 0.1);
      }),
    );
  });

  test('a time under a second becomes 1', () => expect(jitteredTtlSeconds(0.2, 0.5)).toBe(1));

  test('reaches from -10% to +10%', () => {
    expect(jitteredTtlSeconds(3600, 0)).toBe(3240);
    expect(jitteredTtlSeconds(3600, 0.999999)).toBe(3960);
    expect(jitteredTtlSeconds(3600, 0.5)).toBe(3600);
  });
});
