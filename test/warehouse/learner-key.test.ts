import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { warehouseUserId } from '../../lambdas/enrichment/accept-event.ts';
import { learnerKey } from '../../lambdas/enrichment/enrichment-need.ts';
import { ENTERPRISE, subject } from '../support/factories.ts';

describe('a user id for the INTEGER column of the warehouse', () => {
  test.each([
    [0, '0'],
    ['0042', '0042'],
    ['999999999999999999', '999999999999999999'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('%p is %s', (userId, text) => expect(warehouseUserId(userId)).toBe(text));

  test.each([
    -1,
    1.5,
    Number.MAX_SAFE_INTEGER + 1,
    '',
    ' 42',
    '42\n',
    '٤٢',
    '1000000000000000000',
    'sample_learner',
    null,
  ])('%p is none', (userId) => expect(warehouseUserId(userId)).toBeUndefined());

  test('has up to 18 digits', () => {
    fc.assert(fc.property(fc.anything(), (value) => expect(warehouseUserId(value) ?? '0').toMatch(/^\d{1,18}$/)));
  });
});

describe('the key of a delivery', () => {
  test('is learner, course and enterprise', () => {
    expect(learnerKey(subject())).toEqual({
      userId: '42',
      courseId: 'course-v1:Org+Course+Run',
      enterpriseId: ENTERPRISE,
    });
  });

  test.each(['user_id', 'course_id', 'enterprise_customer_uuid'] as const)('is undefined without %s', (field) => {
    expect(learnerKey({ ...subject(), [field]: undefined })).toBeUndefined();
  });
});
