import { describe, expect, test } from '@jest/globals';
import { FLAG_OFF } from '../../lambdas/contract/flag.ts';
import { answerOf, enrichmentNeed } from '../../lambdas/domain/enrichment.ts';
import { ENTERPRISE, flag, OTHER_ENTERPRISE, subject } from '../support/factories.ts';

describe('whether an event needs the warehouse', () => {
  test('a completion of an identified learner does, where the flag is on', () => {
    expect(enrichmentNeed(subject(), flag())).toEqual({
      key: { userId: '42', courseId: 'course-v1:Org+Course+Run', enterpriseId: ENTERPRISE },
      evaluated: 'within_percentage',
    });
  });

  test('an enrollment does not, whatever the flag says', () => {
    const enrollment = subject({ event_type: 'course_enrollment' });
    for (const state of [flag(), FLAG_OFF]) {
      expect(enrichmentNeed(enrollment, state)).toEqual({ settled: { status: 'plain', reason: 'not_a_completion' } });
    }
  });

  test('nothing does where the flag is off', () => {
    for (const state of [FLAG_OFF, flag({ enabled: false })]) {
      expect(enrichmentNeed(subject(), state)).toEqual({
        settled: { status: 'plain', reason: 'flag_off' },
        evaluated: 'off',
      });
    }
  });

  test('only pilots do at 0%', () => {
    const pilot = flag({ rollout_percentage: 0, pilot_enterprises: [ENTERPRISE] });
    expect(enrichmentNeed(subject(), pilot)).toHaveProperty('key');
    expect(enrichmentNeed(subject({ enterprise_customer_uuid: OTHER_ENTERPRISE }), pilot)).toEqual({
      settled: { status: 'plain', reason: 'flag_off' },
      evaluated: 'beyond_percentage',
    });
  });

  test('a completion without a learner, course or enterprise does not: nobody knows what to ask', () => {
    for (const field of ['user_id', 'course_id', 'enterprise_customer_uuid'] as const) {
      const { [field]: _, ...rest } = subject();
      expect(enrichmentNeed(rest, flag())).toEqual({ settled: { status: 'plain', reason: 'learner_not_identified' } });
    }
  });
});

describe('what an answer means for the webhook', () => {
  test('a sum is sent, with the batch date as midnight UTC', () => {
    expect(answerOf({ found: true, totalSeconds: 18_540, lastDate: '2026-01-10' }, 'cache')).toEqual({
      status: 'enriched',
      total_seconds: 18_540,
      last_updated: '2026-01-10T00:00:00Z',
      source: 'cache',
    });
  });

  test('a true 0 is sent as 0', () => {
    expect(answerOf({ found: true, totalSeconds: 0, lastDate: '2026-01-10' }, 'warehouse')).toMatchObject({
      status: 'enriched',
      total_seconds: 0,
    });
  });

  test('no rows add nothing', () => {
    expect(answerOf({ found: false }, 'warehouse')).toEqual({ status: 'plain', reason: 'no_data' });
  });
});
