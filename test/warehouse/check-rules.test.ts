import { describe, expect, test } from '@jest/globals';
import { ENTERPRISE_ID_FORMS } from '../../lambdas/shared/environment.ts';
import type { WarehouseColumn } from '../../lambdas/warehouse/check.ts';
import {
  checkColumns,
  checkRole,
  checkRow,
  checkSample,
  checkSecret,
  checkSessionWarehouse,
  readAnyKey,
} from '../../lambdas/warehouse/check-rules.ts';
import { inForm, type KeyFailure, type LearningTime, learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { courseId, enterpriseId, known, learner, NAMES as names } from '../support/learning-time-table.ts';

describe('the secret', () => {
  const NOW = Date.UTC(2026, 0, 15);
  const secret = (
    days: number | undefined,
    credentials: object = { private_key: 'MIIEvQIBADANB', password: 'hunter2' },
  ) =>
    checkSecret(
      {
        value: { account: 'acme', user: 'SVC_USER', ...credentials },
        createdAtMs: days === undefined ? undefined : NOW - days * 86_400_000,
      },
      NOW,
    );

  test.each([
    ['a key pair, 0 days old', secret(0)],
    ['a key pair, 0 days old', secret(-1)],
    ['a key pair, 1 day old', secret(1)],
    ['a key pair, 80 days old', secret(80)],
    ['a password, 12 days old', secret(12.9, { password: 'p' })],
    ['a key pair, of unknown age', secret(undefined)],
  ])('%s', (finding, check) => expect(check).toEqual({ check: 'secret', verdict: 'yes', finding }));

  test('has a warning if it is older than 80 days', () => {
    expect(secret(81)).toMatchObject({ verdict: 'yes', warning: expect.stringMatching(/older than 80 days/) });
  });
});

test.each([
  ['ANALYST', 'yes'],
  ['analyst', 'yes'],
  ['PUBLIC', 'no'],
  [null, 'no'],
])('the role %s: %s', (role, verdict) => expect(checkRole(role, names).verdict).toBe(verdict));

test.each([
  ['COMPUTE_WH', 'yes'],
  ['OTHER_WH', 'no'],
  [null, 'no'],
])('the warehouse %s: %s', (warehouse, verdict) =>
  expect(checkSessionWarehouse(warehouse, names).verdict).toBe(verdict),
);

describe('the columns', () => {
  const COLUMNS: readonly WarehouseColumn[] = [
    { name: 'USER_ID', type: 'fixed', scale: 0 },
    { name: 'COURSE_KEY', type: 'text', scale: null },
    { name: 'ENTERPRISE_CUSTOMER_UUID', type: 'text', scale: null },
    { name: 'DATE', type: 'date', scale: null },
    { name: 'LEARNING_TIME_SECONDS', type: 'fixed', scale: 0 },
  ];
  const changed = (name: string, changes: object) =>
    COLUMNS.map((column) => (column.name === name ? { ...column, ...changes } : column));

  test('fit in any order, among other columns', () => {
    const more = [...COLUMNS, { name: 'EMAIL', type: 'variant', scale: null }].toReversed();
    const finding =
      'USER_ID NUMBER, COURSE_KEY TEXT, ENTERPRISE_CUSTOMER_UUID TEXT, DATE DATE, LEARNING_TIME_SECONDS NUMBER';
    expect(checkColumns(more, names)).toEqual({ check: 'columns', verdict: 'yes', finding });
  });

  test('a missing column is named, with the first columns of the table', () => {
    const wide = Array.from({ length: 500 }, (_, index) => ({ name: `C${index}`, type: 'text', scale: null }));
    const check = checkColumns([...changed('COURSE_KEY', { name: 'COURSERUN_KEY' }), ...wide], names);
    expect(check).toMatchObject({ verdict: 'no', finding: 'COURSE_KEY is missing' });
    expect(check.remedy).toContain('the table has USER_ID, COURSERUN_KEY, ENTERPRISE_CUSTOMER_UUID');
    expect(check.remedy?.length).toBeLessThan(500);
  });

  test.each([
    ['USER_ID', { type: 'text' }, 'USER_ID TEXT is not a whole number'],
    ['USER_ID', { scale: 2 }, 'USER_ID NUMBER with 2 decimals is not a whole number'],
    ['ENTERPRISE_CUSTOMER_UUID', { type: 'binary' }, 'ENTERPRISE_CUSTOMER_UUID BINARY is not text'],
    ['DATE', { type: 'text' }, 'DATE TEXT is not a date'],
    ['LEARNING_TIME_SECONDS', { type: 'text' }, 'LEARNING_TIME_SECONDS TEXT is not a number'],
  ])('%s as %j does not fit', (name, changes, finding) => {
    expect(checkColumns(changed(name, changes), names)).toMatchObject({ verdict: 'no', finding });
  });

  test.each([
    ['LEARNING_TIME_SECONDS', { scale: 2 }, /^LEARNING_TIME_SECONDS: a sum that is not whole .* ROUND/],
    ['LEARNING_TIME_SECONDS', { type: 'real' }, /^LEARNING_TIME_SECONDS: a sum that is not whole .* ROUND/],
    ['DATE', { type: 'timestamp_ntz' }, /^DATE: its time of day is left out$/],
    ['DATE', { type: 'timestamp_tz' }, /^DATE: its time of day is left out, and its day is that of UTC$/],
  ])('%s as %j fits, with a warning', (name, changes, warning) => {
    const check = checkColumns(changed(name, changes), names);
    expect(check).toMatchObject({ verdict: 'yes', warning: expect.stringMatching(warning) });
  });
});

describe('any row of the table', () => {
  test.each([[[]], [[null, null]], [['', '']], [['utf8', 'UTF8']]])(
    'has a key if its columns are not collated: %j',
    (collations) => {
      expect(readAnyKey(['12345', courseId, enterpriseId, ...collations], names)).toEqual(learner('12345'));
    },
  );

  test('of collated columns has no key; the remedy is a cast, and an invalid collation is not repeated', () => {
    expect(readAnyKey(['12345', courseId, enterpriseId, 'en-ci-trim', 'a b\nc'], names)).toMatchObject({
      verdict: 'no',
      finding: 'COURSE_KEY has the collation en-ci-trim, ENTERPRISE_CUSTOMER_UUID has the collation of another form',
      remedy: expect.stringContaining("COLLATE(COURSE_KEY, 'utf8') AS COURSE_KEY"),
    });
  });

  test('is a fault if the table has none', () => {
    expect(readAnyKey(undefined, names)).toMatchObject({ verdict: 'no', finding: `${names.table} shows no row` });
  });

  test.each([
    [['ada@example.com', courseId, enterpriseId], /USER_ID of some row is not a numeric/],
    [['1', '', enterpriseId], /COURSE_KEY of some row/],
    [['1', courseId, 'acme'], /ENTERPRISE_CUSTOMER_UUID of some row is not a UUID/],
    [['1', courseId, `A${enterpriseId.slice(1)}`], /is not a UUID in one case, with all dashes or none/],
    [['1', courseId, enterpriseId.replace('-', '')], /is not a UUID in one case, with all dashes or none/],
  ])('%j has no key, and is not repeated', (row, finding) => {
    const check = readAnyKey(row, names);
    expect(check).toMatchObject({ check: 'row', verdict: 'no', finding: expect.stringMatching(finding) });
    expect(JSON.stringify(check)).not.toMatch(/ada|[0-9a-f]{8}/i);
  });

  test.each(ENTERPRISE_ID_FORMS)('with UUIDs in the form %s needs a stage with that form', (form) => {
    const row = ['7', courseId, inForm(enterpriseId, form)];
    expect(readAnyKey(row, { ...names, enterpriseIdForm: form })).toEqual(learner('7'));
    const other = form === 'lower' ? 'upper' : 'lower';
    expect(readAnyKey(row, { ...names, enterpriseIdForm: other })).toMatchObject({
      verdict: 'no',
      finding: `ENTERPRISE_CUSTOMER_UUID has the form '${form}', the stage asks for '${other}'`,
      remedy: `set warehouse.enterpriseIdForm to '${form}' in lib/stage.ts, and deploy`,
    });
  });
});

test('the row of a key is read as the pipeline reads it, and its sum is not reported', () => {
  const row = (sum: string) => ['7', courseId, enterpriseId, sum, new Date('2026-01-10')];
  expect(checkRow(learner('7'), [row('18540')], 12.4, names)).toEqual({
    check: 'row',
    verdict: 'yes',
    finding: `user 7 in ${courseId} of ${enterpriseId}: sum and date are read (12 ms)`,
  });
  expect(checkRow(learner('7'), [row('1.5')], 1, names)).toMatchObject({
    verdict: 'no',
    finding: expect.stringMatching(/not a whole number/),
    remedy: expect.stringContaining('ROUND(LEARNING_TIME_SECONDS)::NUMBER(38,0)'),
  });
  expect(checkRow(learner('7'), [], 1, names)).toMatchObject({
    verdict: 'no',
    finding: expect.stringMatching(/not found by its key/),
  });
});

test('a sample differs by a second, without rows, or by an unreadable row', () => {
  const found = (totalSeconds: number) => ({ found: true, totalSeconds, lastDate: '2026-01-10' }) as const;
  const results = new Map<string, LearningTime | KeyFailure>([
    [learnerKeyText(learner('1')), found(99)],
    [learnerKeyText(learner('2')), { found: false }],
    [learnerKeyText(learner('3')), { failed: true, reason: 'total seconds are not a number' }],
    [learnerKeyText(learner('5')), found(5)],
  ]);
  const sample = [known('1', 100), known('2', 0), known('3', 5), known('4', 6), known('5', 5)];
  const check = checkSample(sample, results, 3);
  expect(check).toMatchObject({ verdict: 'no', finding: '4 of 5 differ (3 ms)' });
  const of = (id: string) => `user ${id} in ${courseId} of ${enterpriseId}`;
  expect(check.differences).toEqual([
    `${of('1')}: expected 100 s, found 99 s`,
    `${of('2')}: expected 0 s, found no rows`,
    `${of('3')}: expected 5 s, total seconds are not a number`,
    `${of('4')}: expected 6 s, no result`,
  ]);
});
