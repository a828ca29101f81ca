import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeLearningTime, encodeLearningTime } from '../../lambdas/warehouse/cached-learning-time.ts';
import type { LearningTime } from '../../lambdas/warehouse/learning-time.ts';

const date = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((day) => day.toISOString().slice(0, 10));
const found = fc
  .record({ totalSeconds: fc.nat({ max: Number.MAX_SAFE_INTEGER }), lastDate: date })
  .map((fields): LearningTime => ({ found: true, ...fields }));
const learningTime = fc.oneof(found, fc.constant<LearningTime>({ found: false }));

const token = fc.option(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String), { nil: undefined });

test('an entry is decoded as it was encoded', () => {
  const roundTrip = fc.property(learningTime, token, (value, t) =>
    expect(decodeLearningTime(encodeLearningTime(value, t))).toEqual({ learningTime: value, token: t }),
  );
  fc.assert(roundTrip);
});

test('the encoding is stable, because deployed versions read each other', () => {
  const learningTime = { found: true, totalSeconds: 18540, lastDate: '2026-01-10' } as const;
  const t = '1768003200000000001';
  expect(encodeLearningTime(learningTime)).toBe('{"s":18540,"d":"2026-01-10"}');
  expect(encodeLearningTime({ found: false })).toBe('{"none":1}');
  expect(encodeLearningTime(learningTime, t)).toBe('{"s":18540,"d":"2026-01-10","t":"1768003200000000001"}');
  expect(encodeLearningTime({ found: false }, t)).toBe('{"none":1,"t":"1768003200000000001"}');
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
  '{"none":0}',
  '{"none":1,"t":""}',
  '{"none":1,"t":1768003200000000000}',
  '{"s":1,"d":"2026-01-10","t":"0"}',
  '{"s":1,"d":"2026-01-10","t":"017680032"}',
  '{"s":1,"d":"2026-01-10","t":"-1768003200000000000"}',
  '{"s":1,"d":"2026-01-10","t":"17680032000000000001"}',
  '{"s":1,"d":"2026-01-1',
])('%s is not decoded', (text) => expect(decodeLearningTime(text)).toBeUndefined());
