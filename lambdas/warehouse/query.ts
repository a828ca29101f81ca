import type * as z from 'zod';
import { DAY_MS } from '../shared/durations.ts';
import {
  type checkWarehouseEnvironment,
  type EnterpriseIdForm,
  IDENTIFIER,
  TABLE_IDENTIFIER,
} from '../shared/environment.ts';
import { EnvironmentInvalid, InputInvalid } from '../shared/errors.ts';
import { inForm, type LearnerKey, learnerKeyText } from './learning-time.ts';
import type { WarmSelection } from './warming.ts';

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

/** The names in a function's environment. */
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
  /** One bind per question mark: user, course and enterprise of each key, in order. */
  readonly binds: readonly (string | number)[];
  /** Whether each row ends with the total number of rows, which reveals a truncated result. */
  readonly isCounted?: true;
}

/** Number of columns without the count: user, course, enterprise, sum of seconds, last date. */
export const RESULT_COLUMNS = 5;

/**
 * Prepares one query for all keys of a batch. Keys are passed as binds. Only table and column names are part of the text, so
 * each must be an identifier.
 *
 * @throws EnvironmentInvalid if a name is not an unquoted identifier
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

/** The queries of the warehouse check, in addition to the pipeline's own; they require only SELECT on the table. */
export interface InspectionQueries {
  /** No rows; the result describes every column. */
  readonly columns: LearningTimeQuery;
  /** One complete row: user, course, enterprise, then the collations of course and enterprise. */
  readonly anyKey: LearningTimeQuery;
}

/** @throws EnvironmentInvalid if a name is not an unquoted identifier */
export function prepareInspectionQueries({
  table,
  columns,
}: Pick<WarehouseNames, 'table' | 'columns'>): InspectionQueries {
  checkNames({ table, columns });
  const { user, course, enterprise, seconds } = columns;
  const selected = `${user}, ${course}, ${enterprise}, COLLATION(${course}), COLLATION(${enterprise})`;
  const isWhole = [user, course, enterprise, seconds].map((name) => `${name} IS NOT NULL`).join(' AND ');
  return {
    columns: { sqlText: `SELECT * FROM ${table} LIMIT 0`, binds: [] },
    anyKey: { sqlText: `SELECT ${selected} FROM ${table} WHERE ${isWhole} LIMIT 1`, binds: [] },
  };
}

/** Snowflake's limit of a list of expressions. */
const MAX_ENTERPRISES = 16_384;

/** The queries of a warm run. */
export interface WarmQueries {
  /** No rows; the result describes every column. */
  readonly columns: LearningTimeQuery;
  /** The table's change token, in a session that needs no warehouse. The name is resolved as in the other queries. */
  readonly changeToken: LearningTimeQuery;
  /** One row, if the table has any: the collations of course and enterprise. */
  readonly collations: LearningTimeQuery;
  /**
   * The learning times of a selection: user, course, enterprise, sum of seconds, and the last date in seconds since 1970.
   * All are text: of a number the SDK keeps two copies, and of a date a kilobyte, as long as it keeps the chunk. The order is
   * total, since the key is part of it, and the newest activity comes first.
   *
   * `EPOCH_SECOND` is the midnight of a DATE in UTC, the local time of a TIMESTAMP_NTZ as if it were UTC, and the instant of
   * other timestamps: the same days as in the learning-time query.
   *
   * @throws InputInvalid if the selection has no enterprise, too many, or a number that is not whole and positive
   */
  learningTimes(selection: WarmSelection, nowMs: number): LearningTimeQuery;
}

/** @throws EnvironmentInvalid if a name is not an unquoted identifier */
export function prepareWarmQueries({ table, columns, enterpriseIdForm }: WarehouseNames): WarmQueries {
  checkNames({ table, columns });
  const { user, course, enterprise, seconds, date } = columns;
  const key = `${user}, ${course}, ${enterprise}`;
  const text = (expression: string) => `CAST(${expression} AS VARCHAR)`;
  const sums = `${text(`SUM(${seconds})`)}, ${text(`DATE_PART(EPOCH_SECOND, MAX(${date}))`)}`;
  const select = `SELECT ${text(user)}, ${course}, ${enterprise}, ${sums} FROM ${table}`;
  return {
    columns: prepareInspectionQueries({ table, columns }).columns,
    changeToken: { sqlText: `SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('${table}')`, binds: [] },
    collations: { sqlText: `SELECT COLLATION(${course}), COLLATION(${enterprise}) FROM ${table} LIMIT 1`, binds: [] },
    learningTimes({ enterpriseIds, activeDays, maxRows }, nowMs) {
      const enterprises = [...new Set(enterpriseIds.map((id) => inForm(id, enterpriseIdForm)))];
      if (enterprises.length === 0 || enterprises.length > MAX_ENTERPRISES) {
        throw new InputInvalid(`a warm run is for 1 to ${MAX_ENTERPRISES} enterprises, not ${enterprises.length}`);
      }
      checkPositive('activeDays', activeDays);
      checkPositive('maxRows', maxRows);
      const places = enterprises.map(() => '?').join(', ');
      const order = `HAVING MAX(${date}) >= CAST(? AS DATE) ORDER BY MAX(${date}) DESC, ${key} LIMIT ${maxRows}`;
      return {
        sqlText: `${select} WHERE ${enterprise} IN (${places}) GROUP BY ${key} ${order}`,
        binds: [...enterprises, firstDay(nowMs, activeDays)],
      };
    },
  };
}

/** The day, in UTC, a number of days ago; none before 1970, so that every number of days is a valid date. */
function firstDay(nowMs: number, days: number): string {
  const date = new Date(Math.max(0, nowMs - days * DAY_MS));
  return date.toISOString().slice(0, 'YYYY-MM-DD'.length);
}

function checkPositive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw new InputInvalid(`${name} is not a whole number from 1`);
}

/** A user id without leading zeros, as the warehouse's INTEGER column returns it. */
export function canonicalUserId(userId: string): string {
  return userId.replace(/^0+(?=\d)/, '');
}

/** The key as the warehouse returns it: two keys with the same text have the same row. */
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
 * A number is bound as FIXED and compared as an integer. An id above `Number.MAX_SAFE_INTEGER` is bound as text, which
 * Snowflake casts to the column's type.
 */
function userBind(userId: string): string | number {
  const digits = canonicalUserId(userId);
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : digits;
}
