import type * as z from 'zod';
import {
  type checkWarehouseEnvironment,
  type EnterpriseIdForm,
  IDENTIFIER,
  TABLE_IDENTIFIER,
} from '../shared/environment.ts';
import { EnvironmentInvalid } from '../shared/errors.ts';
import { inForm, type LearnerKey, learnerKeyText } from './learning-time.ts';

/** A stage's names in Snowflake, as unquoted identifiers. */
export interface WarehouseNames {
  readonly warehouse: string;
  readonly role: string;
  /** Of the learning-time table: one to three identifiers, separated by dots. */
  readonly table: string;
  readonly columns: {
    readonly user: string;
    readonly course: string;
    readonly enterprise: string;
    readonly date: string;
    readonly seconds: string;
  };
  readonly enterpriseIdForm: EnterpriseIdForm;
}

/** The names as a function's environment has them. */
export function warehouseNames(environment: z.infer<typeof checkWarehouseEnvironment>): WarehouseNames {
  return {
    warehouse: environment.SNOWFLAKE_WAREHOUSE,
    role: environment.SNOWFLAKE_ROLE,
    table: environment.LEARNING_TIME_TABLE,
    columns: {
      user: environment.LEARNING_TIME_USER_COLUMN,
      course: environment.LEARNING_TIME_COURSE_COLUMN,
      enterprise: environment.LEARNING_TIME_ENTERPRISE_COLUMN,
      date: environment.LEARNING_TIME_DATE_COLUMN,
      seconds: environment.LEARNING_TIME_SECONDS_COLUMN,
    },
    enterpriseIdForm: environment.LEARNING_TIME_ENTERPRISE_FORM,
  };
}

export interface LearningTimeQuery {
  readonly sqlText: string;
  /** One bind per question mark, in order: user, course, enterprise of each key. */
  readonly binds: readonly (string | number)[];
  /** Whether each row ends with the number of all rows: it reveals a result that was cut on its way. */
  readonly isCounted?: true;
}

/** Number of columns in each row, besides the count: user, course, enterprise, sum of seconds, last date. */
export const RESULT_COLUMNS = 5;

/**
 * Prepares the query for all keys of a batch at once. Keys travel as binds only; table and column names are the one
 * thing written into the text, so each must be an identifier.
 *
 * @throws EnvironmentInvalid when a name is not an unquoted identifier
 */
export function prepareLearningTimeQuery({
  table,
  columns,
  enterpriseIdForm,
}: WarehouseNames): (keys: readonly LearnerKey[]) => LearningTimeQuery {
  checkNames({ table, columns });
  const key = `${columns.user}, ${columns.course}, ${columns.enterprise}`;
  const sums = `SUM(${columns.seconds}), MAX(${columns.date}), COUNT(*) OVER ()`;
  const select = `SELECT ${key}, ${sums} FROM ${table}`;
  return (keys) => {
    const distinct = distinctKeys(keys);
    const places = distinct.map(() => '(?, ?, ?)').join(', ');
    return {
      sqlText: `${select} WHERE (${key}) IN (${places}) GROUP BY ${key}`,
      binds: distinct.flatMap((each) => [
        userBind(each.userId),
        each.courseId,
        inForm(each.enterpriseId, enterpriseIdForm),
      ]),
      isCounted: true,
    };
  };
}

/** What a check asks of the table beside the pipeline's own query; it needs no more than SELECT on it. */
export interface InspectionQueries {
  /** No rows; the result describes every column. */
  readonly columns: LearningTimeQuery;
  /** One row that the pipeline could find: user, course, enterprise, then the collations of course and enterprise. */
  readonly anyKey: LearningTimeQuery;
}

/** @throws EnvironmentInvalid when a name is not an unquoted identifier */
export function prepareInspectionQueries({ table, columns }: WarehouseNames): InspectionQueries {
  checkNames({ table, columns });
  const { user, course, enterprise, seconds } = columns;
  const selected = `${user}, ${course}, ${enterprise}, COLLATION(${course}), COLLATION(${enterprise})`;
  const isWhole = [user, course, enterprise, seconds].map((name) => `${name} IS NOT NULL`).join(' AND ');
  return {
    columns: { sqlText: `SELECT * FROM ${table} LIMIT 0`, binds: [] },
    anyKey: { sqlText: `SELECT ${selected} FROM ${table} WHERE ${isWhole} LIMIT 1`, binds: [] },
  };
}

/** A user id without leading zeros, as the warehouse's INTEGER column gives it back. */
export function canonicalUserId(userId: string): string {
  return userId.replace(/^0+(?=\d)/, '');
}

/** The key as the warehouse gives it back: two keys with one text are one row. */
export function warehouseKeyText(key: LearnerKey): string {
  return learnerKeyText({ ...key, userId: canonicalUserId(key.userId) });
}

function checkNames({ table, columns }: Pick<WarehouseNames, 'table' | 'columns'>): void {
  if (!TABLE_IDENTIFIER.test(table)) throw new EnvironmentInvalid('the learning-time table is not an identifier');
  for (const [meaning, name] of Object.entries(columns)) {
    if (!IDENTIFIER.test(name)) throw new EnvironmentInvalid(`the ${meaning} column is not an identifier`);
  }
}

function distinctKeys(keys: readonly LearnerKey[]): LearnerKey[] {
  return [...new Map(keys.map((key) => [warehouseKeyText(key), key])).values()];
}

/**
 * A number is bound as FIXED and compared as an integer. An id that a JavaScript number cannot hold exactly is bound as
 * text, which Snowflake casts to the column's type.
 */
function userBind(userId: string): string | number {
  const digits = canonicalUserId(userId);
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : digits;
}
