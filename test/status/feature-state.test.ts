import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evaluateFlag } from '../../lambdas/flag/evaluate-flag.ts';
import type { Flag } from '../../lambdas/flag/flag-document.ts';
import { FEATURE_NAME } from '../../lambdas/shared/metric-definitions.ts';
import { allStatuses, featureStatus } from '../../lambdas/status/feature-status-api.ts';
import { allStatusesSchema, featureStatusSchema } from '../../lambdas/status/feature-status-document.ts';
import { flag } from '../support/factories.ts';

const of = (enterprise_customer_uuid: string) => ({ enterprise_customer_uuid });

describe('the general state: is it on for anybody?', () => {
  test.each<[string, Partial<Flag>, object]>([
    ['off', { enabled: false }, { enabled: false, rollout_percentage: null, reason: 'off' }],
    ['for some by percentage', { rollout_percentage: 1 }, { enabled: true, reason: 'within_percentage' }],
    ['for pilots only', { rollout_percentage: 0, pilot_enterprises: ['a'] }, { enabled: true, reason: 'pilot' }],
    ['on, without pilots', { rollout_percentage: 0 }, { enabled: false, reason: 'beyond_percentage' }],
  ])('%s', (_, overrides, expected) => {
    const expectedState = { user_specific: false, user_id: 'user-123', enterprise_customer_uuid: null, ...expected };
    expect(featureStatus(flag(overrides), FEATURE_NAME, { user_id: 'user-123' })).toMatchObject(expectedState);
  });
});

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const flags = fc.record({
  enabled: fc.boolean(),
  rollout_percentage: fc.integer({ min: 0, max: 100 }),
  pilot_enterprises: fc.array(id, { maxLength: 3 }),
  cache_ttl_seconds: fc.constant(3600),
});
const queries = fc.record({ user_id: id, enterprise_customer_uuid: id }, { requiredKeys: [] });

describe('for any flag and any enterprise', () => {
  test('both answers say the same, and fit their schemas', () => {
    fc.assert(
      fc.property(flags, queries, (any, query) => {
        const one = featureStatusSchema.parse(featureStatus(any, FEATURE_NAME, query));
        const all = allStatusesSchema.parse(allStatuses(any, query));
        expect(one).toEqual({
          feature: FEATURE_NAME,
          ...all.features[FEATURE_NAME],
          user_id: all.user_id,
          enterprise_customer_uuid: all.enterprise_customer_uuid,
        });
      }),
    );
  });

  test('an enterprise gets the state that applies to its events', () => {
    fc.assert(
      fc.property(flags, id, (any, enterprise) => {
        const { isOn, reason } = evaluateFlag(any, enterprise);
        const status = featureStatus(any, FEATURE_NAME, of(enterprise));
        expect(status).toMatchObject({ enabled: isOn, reason, user_specific: true });
      }),
    );
  });

  test('a user changes nothing; what is off for everybody is on for no enterprise', () => {
    fc.assert(
      fc.property(flags, id, id, (any, user_id, enterprise) => {
        const general = featureStatus(any, FEATURE_NAME, {});
        expect(featureStatus(any, FEATURE_NAME, { user_id })).toEqual({ ...general, user_id });
        if (general?.enabled === false) expect(evaluateFlag(any, enterprise).isOn).toBe(false);
      }),
    );
  });
});
