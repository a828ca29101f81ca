import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ENTERPRISE_ID_FORMS } from '../../lambdas/shared/environment.ts';
import type { WarehouseColumn } from '../../lambdas/warehouse/check.ts';
import {
  checkColumns,
  checkRole,
  checkRow,
  checkSample,
  checkSecret,
  checkSessionWarehouse,
  keyOf,
  readAnyKey,
} from '../../lambdas/warehouse/check-rules.ts';
import { type KeyFailure, type LearningTime, learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { OLD_CREDENTIAL_DAYS, type SnowflakeSecret } from '../../lambdas/warehouse/snowflake-secret-schema.ts';
import { courseId, enterpriseId, learner, NAMES as names } from '../support/snowflake.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 15);
const SECRET: SnowflakeSecret = {
  account: 'acme',
  user: 'SVC_USER',
  private_key: 'MIIEvQIBADANB',
  password: 'hunter2',
};

describe('the secret', () => {
  test.each([
    ['a key pair, 0 days old', { value: SECRET, createdAtMs: NOW }],
    ['a key pair, 1 day old', { value: SECRET, createdAtMs: NOW - DAY_MS }],
    [
      'a password, 12 days old',
      { value: { account: 'a', user: 'u', password: 'p' }, createdAtMs: NOW - 12.9 * DAY_MS },
    ],
    ['a key pair, of unknown age', { value: SECRET, createdAtMs: undefined }],
  ])('%s', (finding, dated) => {
    expect(checkSecret(dated, NOW)).toEqual({ check: 'secret', verdict: 'yes', finding });
  });

  test('is warned of when it is older than 80 days, and is no failure', () => {
    const at = (days: number) => checkSecret({ value: SECRET, createdAtMs: NOW - days * DAY_MS }, NOW);
    expect(OLD_CREDENTIAL_DAYS).toBe(80);
    expect(at(80)).not.toHaveProperty('warning');
    expect(at(81)).toMatchObject({ verdict: 'yes', warning: expect.stringMatching(/older than 80 days/) });
  });
});

test.each([
  ['ANALYST', 'yes'],
  ['analyst', 'yes'],
  ['PUBLIC', 'no'],
  [null, 'no'],
])('the role %s: %s', (role, verdict) => {
  expect(checkRole(role, names).verdict).toBe(verdict);
});

test.each([
  ['COMPUTE_WH', 'yes'],
  ['OTHER_WH', 'no'],
  [null, 'no'],
])('the warehouse %s: %s', (warehouse, verdict) => {
  expect(checkSessionWarehouse(warehouse, names).verdict).toBe(verdict);
});

const COLUMNS: readonly WarehouseColumn[] = [
  { name: 'USER_ID', type: 'fixed', scale: 0 },
  { name: 'COURSE_KEY', type: 'text', scale: null },
  { name: 'ENTERPRISE_CUSTOMER_UUID', type: 'text', scale: null },
  { name: 'DATE', type: 'date', scale: null },
  { name: 'LEARNING_TIME_SECONDS', type: 'fixed', scale: 0 },
];
const changed = (name: string, changes: object) =>
  COLUMNS.map((column) => (column.name === name ? { ...column, ...changes } : column));

describe('the columns', () => {
  test('fit, whatever else the table has and in whichever order', () => {
    const more = [...COLUMNS, { name: 'EMAIL', type: 'variant', scale: null }].toReversed();
    expect(checkColumns(more, names)).toEqual({
      check: 'columns',
      verdict: 'yes',
      finding:
        'USER_ID NUMBER, COURSE_KEY TEXT, ENTERPRISE_CUSTOMER_UUID TEXT, DATE DATE, LEARNING_TIME_SECONDS NUMBER',
    });
  });

  test('one that is missing is named, with those there are', () => {
    const others = changed('COURSE_KEY', { name: 'COURSERUN_KEY' });
    expect(checkColumns(others, names)).toMatchObject({
      verdict: 'no',
      finding: 'COURSE_KEY is missing',
      remedy: expect.stringContaining('the table has USER_ID, COURSERUN_KEY, ENTERPRISE_CUSTOMER_UUID'),
    });
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
    [
      'LEARNING_TIME_SECONDS',
      { type: 'real', scale: null },
      /^LEARNING_TIME_SECONDS: a sum that is not whole .* ROUND/,
    ],
    ['DATE', { type: 'timestamp_ntz' }, /^DATE: its time of day is left out$/],
    ['DATE', { type: 'timestamp_tz' }, /^DATE: its time of day is left out, and its day is that of UTC$/],
  ])('%s as %j fits, with a warning', (name, changes, warning) => {
    const check = checkColumns(changed(name, changes), names);
    expect(check).toMatchObject({ verdict: 'yes', warning: expect.stringMatching(warning) });
  });

  test('of a wide table are not all listed', () => {
    const wide = Array.from({ length: 500 }, (_, index) => ({ name: `C${index}`, type: 'text', scale: null }));
    expect(checkColumns(wide, names).remedy?.length).toBeLessThan(500);
  });
});

describe('some row', () => {
  test.each([[[]], [[null, null]], [['', '']], [['utf8', 'UTF8']]])(
    'gives a key where the columns are not collated: %j',
    (collations) => {
      expect(readAnyKey(['12345', courseId, enterpriseId, ...collations], names)).toEqual(learner('12345'));
    },
  );

  test('of a collated column gives none, and the remedy is a cast', () => {
    expect(readAnyKey(['12345', courseId, enterpriseId, 'en-ci', null], names)).toEqual({
      check: 'row',
      verdict: 'no',
      finding: 'COURSE_KEY has the collation en-ci',
      remedy:
        "keys are compared by code points: a view gives COLLATE(COURSE_KEY, 'utf8') AS COURSE_KEY; put its name into lib/stage.ts",
    });
    const both = readAnyKey(['12345', courseId, enterpriseId, 'en-ci-trim', 'a b\nc'], names);
    expect(both).toMatchObject({
      finding: 'COURSE_KEY has the collation en-ci-trim, ENTERPRISE_CUSTOMER_UUID has the collation of another form',
    });
  });

  test.each([
    [['ada@example.com', courseId, enterpriseId], /USER_ID of some row is not a numeric/],
    [['1', '', enterpriseId], /COURSE_KEY of some row/],
    [['1', courseId, 'acme'], /ENTERPRISE_CUSTOMER_UUID of some row is not a UUID/],
    [['1', courseId, `A${enterpriseId.slice(1)}`], /ENTERPRISE_CUSTOMER_UUID of some row is not a UUID in one case/],
    [['1', courseId, enterpriseId.replace('-', '')], /is not a UUID in one case, with all dashes or none/],
  ])('%j gives none, and is not repeated', (row, finding) => {
    const check = readAnyKey(row, names);
    expect(check).toMatchObject({ check: 'row', verdict: 'no', finding: expect.stringMatching(finding) });
    expect(JSON.stringify(check)).not.toMatch(/ada|[0-9a-f]{8}/i);
  });

  const undashed = enterpriseId.replaceAll('-', '');
  const written = {
    lower: enterpriseId,
    upper: enterpriseId.toUpperCase(),
    lower_undashed: undashed,
    upper_undashed: undashed.toUpperCase(),
  };

  test.each(ENTERPRISE_ID_FORMS)('with UUIDs in the form %s is found by a stage that asks for that form', (form) => {
    const row = ['7', courseId, written[form]];
    expect(readAnyKey(row, { ...names, enterpriseIdForm: form })).toEqual(learner('7'));
    for (const other of ENTERPRISE_ID_FORMS.filter((one) => one !== form)) {
      expect(readAnyKey(row, { ...names, enterpriseIdForm: other })).toMatchObject({
        verdict: 'no',
        finding: `ENTERPRISE_CUSTOMER_UUID has the form '${form}', the stage asks for '${other}'`,
        remedy: `set warehouse.enterpriseIdForm to '${form}' in lib/stage.ts, and deploy`,
      });
    }
  });

  const key = learner('7');
  const row = (sum: unknown, date: unknown = new Date('2026-01-10')) => ['7', courseId, enterpriseId, sum, date];

  test('is read as the pipeline reads it, and its sum is not reported', () => {
    const check = checkRow(key, [row('18540')], 12.4, names);
    expect(check).toEqual({
      check: 'row',
      verdict: 'yes',
      finding: `user 7 in ${courseId} of ${enterpriseId}: sum and date are read (12 ms)`,
    });
  });

  test.each([
    [[row('1.5')], /not a whole number/],
    [[], /not found by its key/],
  ])('case %#: the pipeline could not read it', (rows, finding) => {
    expect(checkRow(key, rows, 1, names)).toMatchObject({ verdict: 'no', finding: expect.stringMatching(finding) });
  });

  test('whose sum is not whole has a remedy', () => {
    expect(checkRow(key, [row('1.5')], 1, names).remedy).toContain('ROUND(LEARNING_TIME_SECONDS)::NUMBER(38,0)');
  });
});

describe('a sample', () => {
  const known = (user_id: string, total_seconds: number) => ({
    user_id,
    course_id: courseId,
    enterprise_customer_uuid: enterpriseId,
    total_seconds,
  });
  const found = (totalSeconds: number) => ({ found: true, totalSeconds, lastDate: '2026-01-10' }) as const;

  test('differs by a second, by no rows, by a row that cannot be read', () => {
    const answers = new Map<string, LearningTime | KeyFailure>([
      [learnerKeyText(learner('1')), found(99)],
      [learnerKeyText(learner('2')), { found: false } as const],
      [learnerKeyText(learner('3')), { failed: true, reason: 'total seconds are not a number' } as const],
    ]);
    const check = checkSample([known('1', 100), known('2', 0), known('3', 5), known('4', 6)], answers, 3);
    expect(check).toMatchObject({ verdict: 'no', finding: '4 of 4 differ (3 ms)' });
    const of = (id: string) => `user ${id} in ${courseId} of ${enterpriseId}`;
    expect(check.differences).toEqual([
      `${of('1')}: expected 100 s, found 99 s`,
      `${of('2')}: expected 0 s, found no rows`,
      `${of('3')}: expected 5 s, total seconds are not a number`,
      `${of('4')}: expected 6 s, no result`,
    ]);
  });

  test('agrees exactly where nothing differs', () => {
    const pairs = fc.uniqueArray(fc.record({ id: fc.nat(), expected: fc.nat(5), there: fc.option(fc.nat(5)) }), {
      selector: ({ id }) => id,
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(pairs, (drawn) => {
        const sample = drawn.map(({ id, expected }) => known(String(id), expected));
        const answers = new Map(
          drawn.map(({ there }, index) => [
            learnerKeyText(keyOf(sample[index] ?? known('0', 0))),
            there === null ? ({ found: false } as const) : found(there),
          ]),
        );
        const differing = drawn.filter(({ expected, there }) => there !== expected).length;
        const check = checkSample(sample, answers, 1);
        expect(check.verdict).toBe(differing === 0 ? 'yes' : 'no');
        expect(check.differences ?? []).toHaveLength(differing);
      }),
    );
  });
});
