import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { integrationSchema } from '../../lambdas/partners/integration.ts';
import { inUnit } from '../../lambdas/partners/payload-formats/learning-time.ts';
import {
  definitionOfFormat,
  PAYLOAD_FORMAT_OPTIONS,
  PAYLOAD_FORMATS,
} from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { testPayload } from '../../lambdas/partners/test-event.ts';
import { integration } from '../support/factories.ts';

const NOW_ISO = '2026-01-15T12:00:00.123Z';
const LEARNING_TIME = { totalSeconds: 18_540, lastUpdated: '2026-01-10T00:00:00Z' };

describe.each(PAYLOAD_FORMATS)('the format %s', (format) => {
  const { compose, sample, schema, schemaWithoutLearningTime = schema } = definitionOfFormat(format);
  const receiver = integration({ payload_format: format });
  const payload = sample('2026-01-15T12:00:00Z');
  const event = { event_id: 'event-1', event_type: 'course_completion', occurred_at: NOW_ISO, payload } as const;
  const enriched = compose(event, LEARNING_TIME, receiver);
  const fallback = compose(event, undefined, receiver);

  test('composes its sample with learning time, and without', () => {
    expect(schema.safeParse(enriched).error).toBeUndefined();
    expect(schemaWithoutLearningTime.safeParse(fallback).error).toBeUndefined();
    expect(enriched).not.toEqual(fallback);
    expect(payload).toEqual(sample('2026-01-15T12:00:00Z'));
  });

  test('requires the learning time where it is known', () => {
    if (schemaWithoutLearningTime !== schema) expect(schema.safeParse(fallback).success).toBe(false);
  });

  test('has a test event that is marked as such, names no learner and has the time of the test', () => {
    const text = testPayload(receiver, NOW_ISO);
    expect(schema.safeParse(JSON.parse(text)).error).toBeUndefined();
    expect(JSON.parse(text).test).toBe(true);
    expect(text).toContain('"2026-01-15T12:00:00Z"');
    // An address, a name or an id of a learner.
    expect(text).not.toMatch(/@|name":"(?!Connection test)|"user":\{"id":(?!0\})|"user":"(?!0{8}-)/);
  });
});

test.each([
  [
    'learning_time_object',
    {},
    { learning_time: { total_seconds: 18_540, total_hours: 5.15, last_updated: '2026-01-15T00:00:00Z' } },
  ],
  ['completion_field', {}, { completion: { learning_time: 18_540 } }],
  ['percipio', {}, { duration_spent: 18_540 }],
  ['percipio', { duration_unit: 'minutes' }, { duration_spent: 309 }],
])(
  'the test event in the format %s with %j has the learning time in its place',
  (payload_format, options, expected) => {
    expect(JSON.parse(testPayload(integration({ payload_format, ...options }), NOW_ISO))).toMatchObject(expected);
  },
);

test.each([
  [
    'is added, with the objects on the way to it',
    ['user.email', 'profile.name.first'],
    { user: { id: 0, email: 'connection test' }, profile: { name: { first: 'connection test' } } },
  ],
  ['keeps the value of the sample', ['user.id', 'test.inner'], { user: { id: 0 }, test: true }],
])('a field of the test event that is encrypted %s', (_, encrypted_fields, expected) => {
  expect(JSON.parse(testPayload(integration({ encrypted_fields }), NOW_ISO))).toMatchObject(expected);
});

test('every option is a field of an integration, of one format, and has a default or may be absent', () => {
  const names = PAYLOAD_FORMATS.flatMap((format) => Object.keys(definitionOfFormat(format).options ?? {}));
  expect(Object.keys(PAYLOAD_FORMAT_OPTIONS)).toEqual(names);
  for (const name of names) expect(integrationSchema.shape).toHaveProperty(name, PAYLOAD_FORMAT_OPTIONS[name as never]);
  expect(integration()).toMatchObject({ payload_format: 'learning_time_object', duration_unit: 'seconds' });
});

describe('a duration', () => {
  test.each([
    [18, 'hours', 0.01],
    [3_599, 'hours', 1],
    [18_541, 'hours', 5.15],
    [18_541, 'minutes', 309.02],
    [18_541, 'seconds', 18_541],
    [0, 'minutes', 0],
  ] as const)('of %i seconds in %s is %d', (seconds, unit, expected) => expect(inUnit(seconds, unit)).toBe(expected));

  test('in hours has two decimals and is within half a hundredth', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), (seconds) => {
        const hours = inUnit(seconds, 'hours');
        expect(JSON.stringify(hours)).toMatch(/^\d+(\.\d{1,2})?$/);
        expect(Math.abs(hours - seconds / 3600)).toBeLessThanOrEqual(0.005_000_1);
      }),
    );
  });
});
