import * as z from 'zod';
import { canonicalEnterpriseId } from '../events/event.ts';
import { SECOND_MS } from '../shared/durations.ts';
import type { EnterpriseIdForm } from '../shared/environment.ts';
import { readWholeNumber } from '../shared/whole-number.ts';
import { type ChangeToken, changeTokenSchema } from './change-token.ts';
import { inForm, type KeyFailure, type LearnerKey, type LearningTime, learnerKeyText } from './learning-time.ts';
import { RESULT_COLUMNS, warehouseKeyText } from './query.ts';
import type { WarmRow } from './warming.ts';

type Result = LearningTime | KeyFailure;

export interface LearningTimeResults {
  /** The result of every queried key, by `learnerKeyText`. */
  readonly results: ReadonlyMap<string, Result>;
  /** Rows of keys that were not queried, which should not occur. */
  readonly unexpectedRows: number;
}

const userId = z
  .string()
  .transform((text) => readWholeNumber(text)?.toString())
  .pipe(z.string());

const keyColumns = z.tuple([userId, z.string(), z.string().transform(canonicalEnterpriseId)]);

/** Numbers are fetched as text: a NUMBER(38,0) does not fit a JavaScript number. Decimals that are zero are dropped. */
const wholeSeconds = z
  .string('total seconds are not a number')
  .transform(readWholeNumber)
  .pipe(z.bigint('total seconds are not a whole number from 0'))
  .transform(Number)
  .refine(Number.isSafeInteger, 'total seconds are too large to be exact');

/**
 * The SDK returns a DATE as midnight UTC, with any DATE_OUTPUT_FORMAT. Of a TIMESTAMP only the day counts: the SDK returns
 * the local time of a TIMESTAMP_NTZ as UTC, and the instant of the others.
 */
const calendarDate = z
  .date('last date is not a date')
  .transform((date) => date.toISOString().slice(0, 'YYYY-MM-DD'.length))
  .refine((text) => /^\d{4}-\d{2}-\d{2}$/.test(text), 'last date is outside the years 0 to 9999');

/**
 * Reads the rows of `prepareLearningTimeQuery`'s query.
 *
 * A key without a row has no data, and so has a key whose sum is NULL. But if a row matches no key, belongs to a key that was
 * not queried, or is a key's second row, it may be the row of a key that seems to have none: a collated column returns keys in
 * another case, and a masking policy returns another text. Such keys are failures, not "no data", which is cached for an
 * hour. So is a key without a row if it differs from another key's row in case, accents or punctuation only: the warehouse
 * may have summed both in one row.
 */
export function readLearningTimes(keys: readonly LearnerKey[], rows: readonly unknown[]): LearningTimeResults {
  const queried = new Set(keys.map(warehouseKeyText));
  const byKey = new Map<string, Result>();
  let unexpectedRows = 0;
  let isUnmatchable = false;
  let isRepeated = false;
  for (const row of rows) {
    const key = keyOfRow(row);
    if (key === undefined) isUnmatchable = true;
    else if (!queried.has(key)) unexpectedRows += 1;
    else if (byKey.has(key)) {
      isRepeated = true;
      byKey.set(key, failure('more than one row for one key'));
    } else byKey.set(key, readRow(row as unknown[]));
  }
  const similar = new Set([...byKey.keys()].map(lettersOf));
  const withoutRow = (key: string): Result => {
    if (isUnmatchable) return failure('a row could not be matched to a key');
    if (isRepeated) return failure('another key has more than one row');
    if (unexpectedRows > 0) {
      return failure('a row belongs to a key that was not queried: is a column collated or masked?');
    }
    return similar.has(lettersOf(key))
      ? failure('its row may be another key’s: is a column collated?')
      : { found: false };
  };
  const results = new Map(
    keys.map((key) => {
      const text = warehouseKeyText(key);
      return [learnerKeyText(key), byKey.get(text) ?? withoutRow(text)];
    }),
  );
  return { results, unexpectedRows };
}

/**
 * Reads a row of the warm query. Its key was not asked for, so it must be written exactly as the warehouse's own: a user id
 * with leading zeros, or an enterprise in another form than the stage's, may be one of two rows of the same key, each with a
 * part of its sum. A masked key is no number or no enterprise of this form.
 */
export function readWarmRow(row: unknown, enterpriseIdForm: EnterpriseIdForm): WarmRow {
  const key = readKey(row);
  if (key === undefined) return { unreadable: 'its key is unreadable: is a column masked?' };
  const [user, course, enterprise, sum, epochSeconds] = row as readonly unknown[];
  if (user !== key.userId) return { unreadable: 'its user id is not written as a whole number' };
  if (enterprise !== inForm(key.enterpriseId, enterpriseIdForm)) {
    return { unreadable: 'its enterprise has another form than the stage’s: is a column collated or masked?' };
  }
  const result = readRow([user, course, enterprise, sum, dateOf(epochSeconds)]);
  return 'failed' in result ? { unreadable: result.reason } : { key, learningTime: result };
}

/** Reads the rows of the query for a change token. @returns undefined if the table has none: without a change it is 0 */
export function readChangeToken([row]: readonly unknown[]): ChangeToken | undefined {
  return changeTokenSchema.safeParse(Array.isArray(row) ? row[0] : undefined).data;
}

function dateOf(epochSeconds: unknown): Date | undefined {
  const isNumber = typeof epochSeconds === 'string' && /^-?\d+(\.\d+)?$/.test(epochSeconds);
  return isNumber ? new Date(Number(epochSeconds) * SECOND_MS) : undefined;
}

/** A key without all that a collation may ignore: case, accents, punctuation, blanks. */
function lettersOf(key: string): string {
  const [, ofUser = '', text = key] = /^([^:]*:\d+:)(.*)$/s.exec(key) ?? [];
  const letters = text.normalize('NFKD').toLowerCase();
  return ofUser + letters.replaceAll(/[^\p{L}\p{N}]/gu, '');
}

function keyOfRow(row: unknown): string | undefined {
  const key = readKey(row);
  return key && warehouseKeyText(key);
}

function readKey(row: unknown): LearnerKey | undefined {
  if (!Array.isArray(row) || row.length !== RESULT_COLUMNS) return undefined;
  const key = keyColumns.safeParse(row.slice(0, 3));
  if (!key.success) return undefined;
  const [userId, courseId, enterpriseId] = key.data;
  return { userId, courseId, enterpriseId };
}

function readRow([, , , sum, date]: readonly unknown[]): Result {
  if (sum === null) return { found: false };
  const totalSeconds = wholeSeconds.safeParse(sum);
  if (!totalSeconds.success) return failure(reasonOf(totalSeconds.error));
  const lastDate = calendarDate.safeParse(date);
  if (!lastDate.success) return failure(reasonOf(lastDate.error));
  return { found: true, totalSeconds: totalSeconds.data, lastDate: lastDate.data };
}

function reasonOf(error: z.ZodError): string {
  return error.issues[0]?.message ?? 'unreadable row';
}

function failure(reason: string): KeyFailure {
  return { failed: true, reason };
}
