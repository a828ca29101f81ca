import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EnvironmentInvalid, InputInvalid } from '../../lambdas/shared/errors.ts';
import type { LearnerKey } from '../../lambdas/warehouse/learning-time.ts';
import {
  prepareInspectionQueries,
  prepareLearningTimeQuery,
  prepareWarmQueries,
} from '../../lambdas/warehouse/query.ts';
import { NAMES as names } from '../support/learning-time-table.ts';

const queryFor = prepareLearningTimeQuery(names);
const key = (userId: string, courseId = 'course-v1:edX+DemoX+Demo', enterpriseId = 'abc-123'): LearnerKey => ({
  userId,
  courseId,
  enterpriseId,
});

describe('the learning-time query', () => {
  test.each([
    ['lower', 'a1b2c3d4-e5f6-7890-abcd-ef1234567890'],
    ['upper', 'A1B2C3D4-E5F6-7890-ABCD-EF1234567890'],
    ['lower_undashed', 'a1b2c3d4e5f67890abcdef1234567890'],
    ['upper_undashed', 'A1B2C3D4E5F67890ABCDEF1234567890'],
  ] as const)('binds an enterprise in the form %s that the table has', (enterpriseIdForm, bind) => {
    const query = prepareLearningTimeQuery({ ...names, enterpriseIdForm });
    expect(query([key('7', 'c', 'a1b2c3d4-e5f6-7890-abcd-ef1234567890')]).binds).toEqual([7, 'c', bind]);
  });

  test('queries all keys at once, each with three binds', () => {
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

  test('queries a repeated key once, with or without leading zeros', () => {
    expect(queryFor([key('7'), key('007'), key('7')]).binds).toEqual([7, 'course-v1:edX+DemoX+Demo', 'abc-123']);
  });

  test('keeps every digit of an id that a number cannot hold', () => {
    expect(queryFor([key('900719925474099311')]).binds[0]).toBe('900719925474099311');
  });

  test.each([
    ['table', { ...names, table: 'PROD.LEARNING_TIME; DROP TABLE X' }],
    ['table', { ...names, table: 'A.B.C.D' }],
    ['user', { ...names, columns: { ...names.columns, user: '"USER_ID"' } }],
    ['course', { ...names, columns: { ...names.columns, course: 'A.B' } }],
    ['enterprise', { ...names, columns: { ...names.columns, enterprise: '' } }],
    ['date', { ...names, columns: { ...names.columns, date: 'DATE)' } }],
    ['seconds', { ...names, columns: { ...names.columns, seconds: '1X' } }],
  ])('refuses a %s name that is not an identifier', (meaning, wrong) => {
    expect(() => prepareLearningTimeQuery(wrong)).toThrow(EnvironmentInvalid);
    expect(() => prepareLearningTimeQuery(wrong)).toThrow(meaning);
  });
});

describe('the queries of a check', () => {
  test('need no more than SELECT on the table', () => {
    expect(prepareInspectionQueries(names)).toEqual({
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

  test('refuse names that are not identifiers', () => {
    expect(() => prepareInspectionQueries({ ...names, table: 'A; DROP TABLE B' })).toThrow(EnvironmentInvalid);
    const columns = { ...names.columns, seconds: '1) --' };
    expect(() => prepareInspectionQueries({ ...names, columns })).toThrow(EnvironmentInvalid);
  });
});

describe('the queries of a warm run', () => {
  const queries = prepareWarmQueries(names);
  const nowMs = Date.parse('2026-01-24T10:00:00Z');
  const selection = fc.record({
    enterpriseIds: fc.array(fc.uuid(), { minLength: 1, maxLength: 50 }),
    activeDays: fc.integer({ min: 1, max: 1e9 }),
    maxRows: fc.integer({ min: 1 }),
  });

  test('sum over all time for keys with recent activity, in a total order', () => {
    const enterpriseIds = ['a1b2c3d4-e5f6-7890-abcd-ef1234567890', 'b2c3d4e5-f6a7-8901-bcde-f12345678901'];
    expect(queries.learningTimes({ enterpriseIds, activeDays: 14, maxRows: 1000 }, nowMs)).toEqual({
      sqlText:
        'SELECT CAST(USER_ID AS VARCHAR), COURSE_KEY, ENTERPRISE_CUSTOMER_UUID,' +
        ' CAST(SUM(LEARNING_TIME_SECONDS) AS VARCHAR), CAST(DATE_PART(EPOCH_SECOND, MAX(DATE)) AS VARCHAR)' +
        ' FROM PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME' +
        ' WHERE ENTERPRISE_CUSTOMER_UUID IN (?, ?)' +
        ' GROUP BY USER_ID, COURSE_KEY, ENTERPRISE_CUSTOMER_UUID' +
        ' HAVING MAX(DATE) >= CAST(? AS DATE)' +
        ' ORDER BY MAX(DATE) DESC, USER_ID, COURSE_KEY, ENTERPRISE_CUSTOMER_UUID LIMIT 1000',
      binds: [...enterpriseIds, '2026-01-10'],
    });
  });

  test('read the change token of the table by the name that the other queries use', () => {
    expect(queries.changeToken).toEqual({
      sqlText: "SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME')",
      binds: [],
    });
  });

  test('have one place per bind, each enterprise once and no value in their text', () => {
    fc.assert(
      fc.property(selection, (given) => {
        const { sqlText, binds } = queries.learningTimes(given, nowMs);
        const enterprises = binds.slice(0, -1);
        expect(sqlText.match(/\?/g)).toHaveLength(binds.length);
        expect(new Set(enterprises)).toEqual(new Set(given.enterpriseIds));
        expect(enterprises).toHaveLength(new Set(given.enterpriseIds).size);
        expect(binds.at(-1)).toMatch(/^\d{4}-\d{2}-\d{2}$/);
        expect(sqlText).toMatch(/^[A-Za-z0-9_$.,() *?>=]+$/);
      }),
    );
  });

  test('depend on the set of enterprises only, not on repetitions', () => {
    fc.assert(
      fc.property(selection, (given) => {
        const repeated = { ...given, enterpriseIds: [...given.enterpriseIds, ...given.enterpriseIds] };
        expect(queries.learningTimes(repeated, nowMs)).toEqual(queries.learningTimes(given, nowMs));
      }),
    );
  });

  test.each([
    ['no enterprise', { enterpriseIds: [], activeDays: 14, maxRows: 1 }],
    [
      'more than Snowflake compares',
      { enterpriseIds: Array.from({ length: 16_385 }, (_, index) => String(index)), activeDays: 14, maxRows: 1 },
    ],
    ['no day', { enterpriseIds: ['e'], activeDays: 0, maxRows: 1 }],
    ['half a row', { enterpriseIds: ['e'], activeDays: 1, maxRows: 0.5 }],
    ['no number of rows', { enterpriseIds: ['e'], activeDays: 1, maxRows: Number.NaN }],
  ])('refuse %s', (_what, wrong) => {
    expect(() => queries.learningTimes(wrong, nowMs)).toThrow(InputInvalid);
  });

  test('refuse a name that is not an identifier', () => {
    expect(() => prepareWarmQueries({ ...names, table: "X'); DROP TABLE Y" })).toThrow(EnvironmentInvalid);
  });
});
