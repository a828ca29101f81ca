import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EnvironmentInvalid } from '../../lambdas/shared/errors.ts';
import type { LearnerKey } from '../../lambdas/warehouse/learning-time.ts';
import { prepareInspectionQueries, prepareLearningTimeQuery } from '../../lambdas/warehouse/query.ts';

const table = {
  warehouse: 'WH',
  role: 'ROLE',
  table: 'PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME',
  columns: {
    user: 'USER_ID',
    course: 'COURSE_KEY',
    enterprise: 'ENTERPRISE_CUSTOMER_UUID',
    date: 'DATE',
    seconds: 'LEARNING_TIME_SECONDS',
  },
  enterpriseIdForm: 'lower' as const,
};
const queryFor = prepareLearningTimeQuery(table);
const key = (userId: string, courseId = 'course-v1:edX+DemoX+Demo', enterpriseId = 'abc-123'): LearnerKey => ({
  userId,
  courseId,
  enterpriseId,
});
const anyKey = fc.record({
  userId: fc.stringMatching(/^\d{1,18}$/),
  courseId: fc.string({ minLength: 1, maxLength: 20 }),
  enterpriseId: fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/),
});

describe('the learning-time query', () => {
  test.each([
    ['lower', 'a1b2c3d4-e5f6-7890-abcd-ef1234567890'],
    ['upper', 'A1B2C3D4-E5F6-7890-ABCD-EF1234567890'],
    ['lower_undashed', 'a1b2c3d4e5f67890abcdef1234567890'],
    ['upper_undashed', 'A1B2C3D4E5F67890ABCDEF1234567890'],
  ] as const)('binds an enterprise in the form %s that the table has', (enterpriseIdForm, bind) => {
    const query = prepareLearningTimeQuery({ ...table, enterpriseIdForm });
    expect(query([key('7', 'c', 'a1b2c3d4-e5f6-7890-abcd-ef1234567890')]).binds).toEqual([7, 'c', bind]);
  });

  test('asks for all keys at once, each by three binds', () => {
    expect(queryFor([key('7'), key('8', "x'; DROP TABLE")])).toEqual({
      sqlText:
        'SELECT USER_ID, COURSE_KEY, ENTERPRISE_CUSTOMER_UUID, SUM(LEARNING_TIME_SECONDS), MAX(DATE), COUNT(*) OVER ()' +
        ' FROM PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME' +
        ' WHERE (USER_ID, COURSE_KEY, ENTERPRISE_CUSTOMER_UUID) IN ((?, ?, ?), (?, ?, ?))' +
        ' GROUP BY USER_ID, COURSE_KEY, ENTERPRISE_CUSTOMER_UUID',
      binds: [7, 'course-v1:edX+DemoX+Demo', 'abc-123', 8, "x'; DROP TABLE", 'abc-123'],
      isCounted: true,
    });
  });

  test('asks once for a key that comes twice, with or without leading zeros', () => {
    expect(queryFor([key('7'), key('007'), key('7')]).binds).toEqual([7, 'course-v1:edX+DemoX+Demo', 'abc-123']);
  });

  test('keeps every digit of an id that a number cannot hold', () => {
    expect(queryFor([key('900719925474099311')]).binds[0]).toBe('900719925474099311');
  });

  test('has as many places as binds, and a text that depends on the number of keys only', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyKey, { minLength: 1, selector: (each) => `${BigInt(each.userId)}` }), (keys) => {
        const { sqlText, binds } = queryFor(keys);
        expect(sqlText.split('?')).toHaveLength(keys.length * 3 + 1);
        expect(binds).toHaveLength(keys.length * 3);
        expect(sqlText).toBe(queryFor(keys.map((_, index) => key(String(index)))).sqlText);
      }),
    );
  });

  test.each([
    ['table', { ...table, table: 'PROD.LEARNING_TIME; DROP TABLE X' }],
    ['table', { ...table, table: 'A.B.C.D' }],
    ['user', { ...table, columns: { ...table.columns, user: '"USER_ID"' } }],
    ['course', { ...table, columns: { ...table.columns, course: 'A.B' } }],
    ['enterprise', { ...table, columns: { ...table.columns, enterprise: '' } }],
    ['date', { ...table, columns: { ...table.columns, date: 'DATE)' } }],
    ['seconds', { ...table, columns: { ...table.columns, seconds: '1X' } }],
  ])('refuses a %s name that is not an identifier', (meaning, names) => {
    expect(() => prepareLearningTimeQuery(names)).toThrow(EnvironmentInvalid);
    expect(() => prepareLearningTimeQuery(names)).toThrow(meaning);
  });
});

describe('what a check asks', () => {
  test('needs no more than SELECT on the table', () => {
    expect(prepareInspectionQueries(table)).toEqual({
      columns: { sqlText: 'SELECT * FROM PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME LIMIT 0', binds: [] },
      anyKey: {
        sqlText:
          'SELECT USER_ID, COURSE_KEY, ENTERPRISE_CUSTOMER_UUID, COLLATION(COURSE_KEY), COLLATION(ENTERPRISE_CUSTOMER_UUID)' +
          ' FROM PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME' +
          ' WHERE USER_ID IS NOT NULL AND COURSE_KEY IS NOT NULL AND ENTERPRISE_CUSTOMER_UUID IS NOT NULL' +
          ' AND LEARNING_TIME_SECONDS IS NOT NULL LIMIT 1',
        binds: [],
      },
    });
  });

  test('is written with identifiers only', () => {
    expect(() => prepareInspectionQueries({ ...table, table: 'A; DROP TABLE B' })).toThrow(EnvironmentInvalid);
    const columns = { ...table.columns, seconds: '1) --' };
    expect(() => prepareInspectionQueries({ ...table, columns })).toThrow(EnvironmentInvalid);
  });
});
