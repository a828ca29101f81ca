import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ENTERPRISE_ID_FORMS } from '../../lambdas/shared/environment.ts';
import { inForm, type LearnerKey, learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { readLearningTimes, readWarmRow } from '../../lambdas/warehouse/rows.ts';

const key = (userId: string): LearnerKey => ({ userId, courseId: 'c', enterpriseId: 'e' });
const day = new Date('2026-01-10');
const row = (userId: unknown, seconds: unknown = '5', date: unknown = day) => [userId, 'c', 'e', seconds, date];

function resultOf(userId: string, rows: readonly unknown[], others: string[] = []) {
  return readLearningTimes([userId, ...others].map(key), rows).results.get(learnerKeyText(key(userId)));
}

describe('rows of the learning-time query', () => {
  test('a sum and a date are a result, and so is a sum of 0', () => {
    expect(resultOf('7', [row('7', '18540')])).toEqual({ found: true, totalSeconds: 18540, lastDate: '2026-01-10' });
    expect(resultOf('7', [row('7', '0')])).toEqual({ found: true, totalSeconds: 0, lastDate: '2026-01-10' });
  });

  test.each(['7.00', '7e0', '007'])('a user that is written %s is 7', (written) => {
    expect(resultOf('7', [row(written)])).toMatchObject({ totalSeconds: 5 });
  });

  test('of a date with a time of day the day counts', () => {
    const lastInstant = new Date('2026-01-10T23:59:59.999Z');
    expect(resultOf('7', [row('7', '5', lastInstant)])).toMatchObject({ lastDate: '2026-01-10' });
  });

  test('no row and a sum of NULL are no data', () => {
    expect(resultOf('7', [])).toEqual({ found: false });
    expect(resultOf('7', [row('7', null, day)])).toEqual({ found: false });
    expect(resultOf('7', [row('7', null, null)])).toEqual({ found: false });
  });

  test('a key with leading zeros has the row of its number', () => {
    expect(resultOf('007', [row('7')])).toMatchObject({ totalSeconds: 5 });
  });

  test.each(['A1B2C3D4-E5F6-7890-ABCD-EF1234567890', 'a1b2c3d4e5f67890abcdef1234567890'])(
    'an enterprise is recognized in the form %s of the table',
    (written) => {
      const queried = { userId: '7', courseId: 'c', enterpriseId: 'a1b2c3d4-e5f6-7890-abcd-ef1234567890' };
      const { results } = readLearningTimes([queried], [['7', 'c', written, '5', day]]);
      expect(results.get(learnerKeyText(queried))).toMatchObject({ totalSeconds: 5 });
    },
  );

  test.each([
    ['a fraction', '12.5', day, 'whole number'],
    ['a number read inexactly', 5, day, 'not a number'],
    ['a sum past 2^53', '9007199254740993', day, 'too large'],
    ['no date', '5', null, 'not a date'],
    ['a date as text', '5', '2026-01-10', 'not a date'],
    ['an invalid date', '5', new Date(Number.NaN), 'not a date'],
    ['a date after 9999', '5', new Date(Date.UTC(10_000, 0, 1)), 'outside'],
  ])('%s makes a failure of its own key only', (_what, seconds, date, reason) => {
    const rows = [row('7', seconds, date), row('8')];
    expect(resultOf('7', rows, ['8', '9'])).toEqual({ failed: true, reason: expect.stringContaining(reason) });
    expect(resultOf('8', rows, ['7', '9'])).toMatchObject({ found: true });
    expect(resultOf('9', rows, ['7', '8'])).toEqual({ found: false });
  });

  test.each([
    ['a user that is no number', row('x')],
    ['a user that is not whole', row('7.5')],
    ['no user', row(null)],
    ['too few columns', ['7', 'c', 'e', '5']],
    ['an object', { USER_ID: '7' }],
  ])('while a row has %s, a key without a row is a failure, not "no data"', (_what, unmatchable) => {
    const rows = [unmatchable, row('8')];
    expect(resultOf('7', rows, ['8'])).toEqual({ failed: true, reason: expect.stringContaining('matched') });
    expect(resultOf('8', rows, ['7'])).toMatchObject({ found: true });
  });

  test('a row that was not queried is counted, and may be that of a key without a row', () => {
    const { results, unexpectedRows } = readLearningTimes([key('7'), key('9')], [row('7'), row('8')]);
    expect(results.get(learnerKeyText(key('7')))).toMatchObject({ found: true });
    expect(results.get(learnerKeyText(key('9')))).toEqual({
      failed: true,
      reason: 'a row belongs to a key that was not queried: is a column collated or masked?',
    });
    expect(unexpectedRows).toBe(1);
  });

  test('two rows for one key are a failure: neither is the sum; so is a key without a row then', () => {
    const rows = [row('7', '1'), row('7', '2'), row('8')];
    expect(resultOf('7', rows, ['8', '9'])).toEqual({ failed: true, reason: 'more than one row for one key' });
    expect(resultOf('9', rows, ['7', '8'])).toEqual({ failed: true, reason: 'another key has more than one row' });
    expect(resultOf('8', rows, ['7', '9'])).toMatchObject({ found: true });
  });

  test.each([
    ['another case', 'course-v1:edx+demo'],
    ['blanks around it', ' course-v1:edX+Demo '],
    ['full width', 'ｃourse-v1:edX+Demo'],
  ])('a collated column returns a key with %s, which is never "no data"', (_what, given) => {
    const courseId = 'course-v1:edX+Demo';
    const queried = { userId: '7', courseId, enterpriseId: 'e' };
    const rows = [['7', given, 'e', '5', day]];
    const result = readLearningTimes([queried], rows).results.get(learnerKeyText(queried));
    expect(result).toEqual({ failed: true, reason: expect.stringContaining('not queried') });
    // If both were queried, the one row may be the sum of both.
    const both = readLearningTimes([queried, { ...queried, courseId: given }], rows).results;
    expect(both.get(learnerKeyText(queried))).toEqual({
      failed: true,
      reason: expect.stringContaining('another key’s'),
    });
    const other = { ...queried, courseId: 'course-v1:edX+Other' };
    const unlike = readLearningTimes([other, { ...queried, courseId: given }], rows).results;
    expect(unlike.get(learnerKeyText(other))).toEqual({ found: false });
  });

  test('a key has "no data" only if every row is the one row of a queried key', () => {
    const ids = fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 8 });
    const rowIds = fc.array(fc.oneof(fc.nat(30), fc.constant('masked'), fc.constant(null)), { maxLength: 8 });
    fc.assert(
      fc.property(ids, rowIds, (queried, given) => {
        const rows = given.map((id) => row(typeof id === 'number' ? String(id) : id));
        const { results } = readLearningTimes(
          queried.map((id) => key(String(id))),
          rows,
        );
        const isClean = new Set(given).size === given.length && given.every((id) => queried.includes(id as number));
        const isNoData = [...results.values()].some((result) => 'found' in result && !result.found);
        expect(isNoData).toBe(isClean && given.length < queried.length);
      }),
    );
  });
});

describe('a row of the warm query', () => {
  const enterpriseId = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890';
  const warmRow = (changed: readonly [number, unknown][] = []) =>
    Object.assign(['7', 'c', enterpriseId, '18540', String(day.getTime() / 1000)], Object.fromEntries(changed));

  test('is the learning time of its key, also if its sum is 0 or NULL', () => {
    const key = { userId: '7', courseId: 'c', enterpriseId };
    const lastDate = '2026-01-10';
    expect(readWarmRow(warmRow(), 'lower')).toEqual({
      key,
      learningTime: { found: true, totalSeconds: 18_540, lastDate },
    });
    expect(readWarmRow(warmRow([[3, '0']]), 'lower')).toEqual({
      key,
      learningTime: { found: true, totalSeconds: 0, lastDate },
    });
    expect(readWarmRow(warmRow([[3, null]]), 'lower')).toEqual({ key, learningTime: { found: false } });
  });

  test.each<[string, number, unknown, string]>([
    ['a masked user', 0, '*****', 'masked'],
    ['no user', 0, null, 'masked'],
    ['a user with leading zeros, whose sum may be in two rows', 0, '007', 'whole number'],
    ['no course', 1, null, 'masked'],
    ['an enterprise in another form, whose sum may be in two rows', 2, enterpriseId.toUpperCase(), 'another form'],
    ['a sum that is not whole', 3, '0.5', 'whole number'],
    ['a date that is no number of seconds', 4, '2026-01-10', 'not a date'],
    ['no date', 4, null, 'not a date'],
  ])('with %s is unreadable', (_what, index, value, reason) => {
    const read = readWarmRow(warmRow([[index, value]]), 'lower');
    expect(read).toEqual({ unreadable: expect.stringContaining(reason) });
  });

  test('never has a key that the table writes differently, whatever the row is', () => {
    const text = fc.oneof(fc.string(), fc.uuid(), fc.integer({ min: 0 }).map(String), fc.constantFrom('007', '7.0'));
    const value = fc.oneof(text, fc.constant(null), fc.date(), fc.double());
    const enterprise = fc
      .tuple(fc.uuid(), fc.constantFrom(...ENTERPRISE_ID_FORMS))
      .map(([id, form]) => inForm(id, form));
    const rows = fc.oneof(fc.anything(), fc.tuple(value, value, fc.oneof(value, enterprise), value, value));
    fc.assert(
      fc.property(rows, fc.constantFrom(...ENTERPRISE_ID_FORMS), (given, form) => {
        const read = readWarmRow(given, form);
        if ('unreadable' in read) return;
        const { userId, courseId, enterpriseId: id } = read.key;
        expect([userId, courseId, inForm(id, form)]).toEqual((given as unknown[]).slice(0, 3));
      }),
    );
  });
});
