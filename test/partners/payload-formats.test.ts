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

  test('composes its sample with learning time and without, and requires a time that is known', () => {
    const enriched = compose(event, LEARNING_TIME, receiver);
    const fallback = compose(event, undefined, receiver);
    expect(schema.safeParse(enriched).error).toBeUndefined();
    expect(schemaWithoutLearningTime.safeParse(fallback).error).toBeUndefined();
    expect(enriched).not.toEqual(fallback);
    expect(payload).toEqual(sample('2026-01-15T12:00:00Z'));
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

const OBJECT = { total_seconds: 18_540, total_hours: 5.15, last_updated: '2026-01-15T00:00:00Z' };
test.each([
  [{ payload_format: 'learning_time_object' }, { learning_time: OBJECT }],
  [{ payload_format: 'completion_field' }, { completion: { learning_time: 18_540 } }],
  [{ payload_format: 'percipio' }, { duration_spent: 18_540 }],
  [{ payload_format: 'percipio', duration_unit: 'minutes' }, { duration_spent: 309 }],
  // Encrypted fields are added, with the objects on their path; a value of the sample stays.
  [
    { encrypted_fields: ['user.email', 'user.id', 'profile.name.first', 'test.inner'] },
    {
      user: { id: 0, email: 'connection test' },
      profile: { name: { first: 'connection test' } },
      test: true,
    },
  ],
])('the test event of %j has %j', (entry, expected) => {
  expect(JSON.parse(testPayload(integration(entry), NOW_ISO))).toMatchObject(expected);
});

test('every option is a field of an integration, of one format, and has a default or may be absent', () => {
  const names = PAYLOAD_FORMATS.flatMap((format) => Object.keys(definitionOfFormat(format).options ?? {}));
  expect(Object.keys(PAYLOAD_FORMAT_OPTIONS)).toEqual(names);
  for (const name of names) expect(integrationSchema.shape).toHaveProperty(name, PAYLOAD_FORMAT_OPTIONS[name as never]);
  expect(integration()).toMatchObject({ payload_format: 'learning_time_object', duration_unit: 'seconds' });
});

test.each([
  [18, 'hours', 0.01],
  [3_599, 'hours', 1],
  [18_541, 'hours', 5.15],
  [18_541, 'minutes', 309.02],
  [18_541, 'seconds', 18_541],
  [0, 'minutes', 0],
] as const)('%i seconds in %s are %d', (seconds, unit, expected) => expect(inUnit(seconds, unit)).toBe(expected));

test('a duration in hours has two decimals and is within half a hundredth', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000_000_000 }), (seconds) => {
      const hours = inUnit(seconds, 'hours');
      expect(JSON.stringify(hours)).toMatch(/^\d+(\.\d{1,2})?$/);
      expect(Math.abs(hours - seconds / 3600)).toBeLessThanOrEqual(0.005_000_1);
    }),
  );
});
