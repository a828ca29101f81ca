import { describe, expect, test } from '@jest/globals';
import type { InspectionFailure } from '../../lambdas/warehouse/check.ts';
import { changeTokenFailureRemedy, grantsFor, loginRemedy, statementRemedy } from '../../lambdas/warehouse/remedies.ts';
import { NAMES as names } from '../support/learning-time-table.ts';

const failure = (kind: InspectionFailure['kind'], code: string, detail = ''): InspectionFailure => ({
  kind,
  code,
  reason: `it failed (code ${code}${detail})`,
});

test.each([
  [failure('refused', '390144'), /fingerprints/],
  [failure('refused', '390100'), /password is wrong/],
  [failure('refused', '390189'), /GRANT ROLE ANALYST TO USER/],
  [failure('refused', '390422'), /EgressAddresses/],
  [failure('unreachable', '401001', ', ENOTFOUND'), /account in the secret is wrong/],
  [failure('unreachable', '401002', ', HTTP 403'), /account in the secret is wrong/],
  [failure('unreachable', '401002', ', HTTP 503'), /is Snowflake up/],
  [failure('unreachable', 'deadline'), /access_url/],
  [failure('refused', 'unknown'), /account, user and key/],
])('a failed login: %j', (login, remedy) => {
  expect(loginRemedy(login, names)).toMatch(remedy);
});

test.each([
  [failure('statement', '002003'), /GRANT SELECT ON TABLE/],
  [failure('statement', '000606'), /GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE ANALYST$/],
  [failure('statement', '000630'), /a larger warehouse/],
  [failure('statement', '001003'), /the role needs/],
  [failure('unreachable', 'deadline'), /is Snowflake up/],
])('a failed statement: %j', (statement, remedy) => {
  expect(statementRemedy(statement, names)).toMatch(remedy);
});

test.each([
  [
    failure('statement', '002003'),
    /GRANT SELECT ON TABLE .*GRANT IMPORTED PRIVILEGES ON DATABASE PROD TO ROLE ANALYST$/,
  ],
  [failure('statement', '000606'), /WarmCache stays off/],
  [failure('unreachable', 'deadline'), /is Snowflake up/],
])('a change token that cannot be read: %j', (read, remedy) => {
  expect(changeTokenFailureRemedy(read, names)).toMatch(remedy);
});

describe('the grants', () => {
  test('are those of the stage’s names', () => {
    expect(grantsFor(names).split('; ')).toEqual([
      'GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE ANALYST',
      'GRANT USAGE ON DATABASE PROD TO ROLE ANALYST',
      'GRANT USAGE ON SCHEMA PROD.BUSINESS_INTELLIGENCE TO ROLE ANALYST',
      'GRANT SELECT ON TABLE PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME TO ROLE ANALYST',
    ]);
  });

  test('name what a shorter name of the table has', () => {
    expect(grantsFor({ ...names, table: 'BI.LEARNING_TIME' })).toContain('USAGE ON its DATABASE TO');
    expect(grantsFor({ ...names, table: 'BI.LEARNING_TIME' })).toContain('USAGE ON SCHEMA BI TO');
    expect(grantsFor({ ...names, table: 'LEARNING_TIME' })).toContain('USAGE ON its SCHEMA TO');
  });
});
