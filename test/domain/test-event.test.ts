import { describe, expect, test } from '@jest/globals';
import { PAYLOAD_FORMATS } from '../../lambdas/contract/integration.ts';
import { composePayload } from '../../lambdas/domain/payload.ts';
import { formatFault } from '../../lambdas/domain/payload-formats.ts';
import { testPayload } from '../../lambdas/domain/test-event.ts';
import { ENRICHED, integration, PLAIN } from '../support/factories.ts';

const NOW_ISO = '2026-01-15T12:00:00.123Z';

describe.each(PAYLOAD_FORMATS)('the test event in the format %s', (format) => {
  const payload = testPayload(format, NOW_ISO);

  test('fits what every webhook of that format is checked against', () => {
    expect(formatFault(format, 'filled', JSON.parse(payload))).toBeUndefined();
    const parts = {
      payload,
      eventType: 'course_completion',
      integration: integration({ payload_format: format }),
    } as const;
    expect(composePayload({ ...parts, enrichment: PLAIN })).toEqual({ body: payload });
    expect(composePayload({ ...parts, enrichment: ENRICHED })).not.toHaveProperty('fault');
  });

  test('says that it is a test, and names nobody', () => {
    const document = JSON.parse(payload);
    expect(document.test).toBe(true);
    expect(document.user?.id ?? document.user).toBe(format === 'percipio' ? '00000000-0000-0000-0000-000000000000' : 0);
    expect(payload).not.toMatch(/@|name":"(?!Connection test)/);
  });

  test('has the time of the test', () => {
    expect(payload).toContain('"2026-01-15T12:00:00Z"');
  });
});

describe('the sample of learning time', () => {
  test('is where each format has it', () => {
    expect(JSON.parse(testPayload('learning_time_object', NOW_ISO)).learning_time).toEqual({
      total_seconds: 18_540,
      total_hours: 5.15,
      last_updated: '2026-01-15T00:00:00Z',
    });
    expect(JSON.parse(testPayload('completion_field', NOW_ISO)).completion.learning_time).toBe(18_540);
    expect(JSON.parse(testPayload('percipio', NOW_ISO)).duration_spent).toBe(18_540);
  });
});

describe('a field that is to be encrypted', () => {
  const sample = (...encrypted_fields: string[]) =>
    JSON.parse(testPayload('learning_time_object', NOW_ISO, { encrypted_fields }));

  test('is there, with the objects on the way to it', () => {
    expect(sample('user.email', 'profile.name.first')).toMatchObject({
      user: { id: 0, email: 'connection test' },
      profile: { name: { first: 'connection test' } },
    });
  });

  test('keeps its own sample where it has one', () => {
    expect(sample('user.id').user).toEqual({ id: 0 });
    expect(sample('test.inner').test).toBe(true);
  });
});
