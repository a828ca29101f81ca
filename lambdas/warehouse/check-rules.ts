import * as z from 'zod';
import { canonicalEnterpriseId, courseIdSchema } from '../events/event.ts';
import { DAY_MS, SECOND_MS } from '../shared/durations.ts';
import { ENTERPRISE_ID_FORMS } from '../shared/environment.ts';
import type { DatedSecret } from '../shared/secret-source.ts';
import type { KnownSum, WarehouseCheck, WarehouseColumn } from './check.ts';
import { inForm, type KeyFailure, type LearnerKey, type LearningTime, learnerKeyText } from './learning-time.ts';
import type { WarehouseNames } from './query.ts';
import { changeTokenRemedy, warehouseRemedy } from './remedies.ts';
import { readLearningTimes } from './rows.ts';
import { OLD_CREDENTIAL_DAYS, type SnowflakeSecret } from './snowflake-secret-schema.ts';
import type { ChangeToken } from './warming.ts';

/** Column names that are listed if a column is missing, so that the operator finds another spelling. */
const MOST_NAMES = 40;

/** Reports the kind and age of the credential, but neither user nor account. */
export function checkSecret({ value, createdAtMs }: DatedSecret<SnowflakeSecret>, nowMs: number): WarehouseCheck {
  const kind = value.private_key === undefined ? 'a password' : 'a key pair';
  if (createdAtMs === undefined) return yes('secret', `${kind}, of unknown age`);
  // Our clock may be behind that of Secrets Manager.
  const days = Math.max(0, Math.floor((nowMs - createdAtMs) / DAY_MS));
  const check = yes('secret', `${kind}, ${days} ${days === 1 ? 'day' : 'days'} old`);
  if (days <= OLD_CREDENTIAL_DAYS) return check;
  return {
    ...check,
    warning: `older than ${OLD_CREDENTIAL_DAYS} days: rotate it, docs/how-to/rotate-the-snowflake-key.md`,
  };
}

export function checkRole(role: string | null, names: WarehouseNames): WarehouseCheck {
  if (isSameName(role, names.role)) return yes('role', names.role);
  const remedy = `the session must have it: GRANT ROLE ${names.role} TO USER the secret’s; or another role in lib/stage.ts`;
  return no('role', `${role ?? 'none'} instead of ${names.role}`, remedy);
}

export function checkSessionWarehouse(warehouse: string | null, names: WarehouseNames): WarehouseCheck {
  if (isSameName(warehouse, names.warehouse)) return yes('warehouse', names.warehouse);
  return no('warehouse', `${warehouse ?? 'none'} instead of ${names.warehouse}`, warehouseRemedy(names));
}

interface Fit {
  readonly expected: string;
  readonly isMet: (column: WarehouseColumn) => boolean;
  /** What is read, with a restriction. */
  readonly warning?: (column: WarehouseColumn) => string | undefined;
}

const TEXT: Fit = { expected: 'text', isMet: ({ type }) => type === 'text' };
const WHOLE: Fit = { expected: 'a whole number', isMet: ({ type, scale }) => type === 'fixed' && scale === 0 };
/** `rows.ts` also reads numbers that are not whole by type, with a warning here. */
const NUMBER: Fit = {
  expected: 'a number',
  isMet: ({ type }) => type === 'fixed' || type === 'real',
  warning: (column) =>
    WHOLE.isMet(column)
      ? undefined
      : 'a sum that is not whole ends without learning time: a view gives whole seconds, such as ROUND(…)::NUMBER(38,0)',
};
const DATE: Fit = {
  expected: 'a date',
  isMet: ({ type }) => type === 'date' || type.startsWith('timestamp'),
  warning: ({ type }) => {
    if (type === 'date') return undefined;
    return type === 'timestamp_ntz'
      ? 'its time of day is left out'
      : 'its time of day is left out, and its day is that of UTC';
  },
};
const FITS = { user: WHOLE, course: TEXT, enterprise: TEXT, date: DATE, seconds: NUMBER } as const;

/** Whether the table has the stage's five columns, of types that the pipeline reads. */
export function checkColumns(columns: readonly WarehouseColumn[], names: WarehouseNames): WarehouseCheck {
  const byName = new Map(columns.map((column) => [column.name.toUpperCase(), column]));
  const found: string[] = [];
  const missing: string[] = [];
  const unfit: string[] = [];
  const warnings: string[] = [];
  for (const [meaning, fit] of Object.entries<Fit>(FITS)) {
    const name = names.columns[meaning as keyof typeof FITS];
    const column = byName.get(name.toUpperCase());
    if (column === undefined) missing.push(`${name} is missing`);
    else if (fit.isMet(column)) found.push(described(name, column));
    else unfit.push(`${described(name, column)} is not ${fit.expected}`);
    const warning = column && fit.isMet(column) ? fit.warning?.(column) : undefined;
    if (warning !== undefined) warnings.push(`${name}: ${warning}`);
  }
  if (missing.length + unfit.length === 0) {
    const check = yes('columns', found.join(', '));
    return warnings.length === 0 ? check : { ...check, warning: warnings.join('; ') };
  }
  const there = missing.length === 0 ? [] : [`the table has ${listed(columns)}: put its names into lib/stage.ts`];
  const cast = unfit.length === 0 ? [] : ['a view casts what has another type'];
  return no('columns', [...missing, ...unfit].join('; '), [...there, ...cast].join('; '));
}

/** SQL names of types that have another name in Snowflake's wire protocol. */
const SQL_TYPES: Readonly<Record<string, string>> = { fixed: 'NUMBER', real: 'FLOAT' };

function described(name: string, { type, scale }: WarehouseColumn): string {
  return `${name} ${SQL_TYPES[type] ?? type.toUpperCase()}${scale ? ` with ${scale} decimals` : ''}`;
}

function listed(columns: readonly WarehouseColumn[]): string {
  const names = columns.slice(0, MOST_NAMES).map(({ name }) => name);
  return `${names.join(', ')}${columns.length > MOST_NAMES ? ', …' : ''}`;
}

/** Collations that compare strings by code points. */
const BINARY_COLLATIONS: ReadonlySet<string> = new Set(['', 'utf8', 'bin']);

/** A collation's specification, such as `en-ci-trim`. */
function shown(collation: string): string {
  return /^[A-Za-z0-9_-]{1,40}$/.test(collation) ? collation : 'of another form';
}

/** Why keys cannot be compared, and how to repair it. @param collations of course and enterprise, as `COLLATION` returns */
export function collationFault(
  collations: readonly unknown[],
  { columns }: WarehouseNames,
): { readonly finding: string; readonly remedy: string } | undefined {
  const collated = [columns.course, columns.enterprise].flatMap((column, index) => {
    const collation = collations[index];
    return typeof collation === 'string' && !BINARY_COLLATIONS.has(collation.toLowerCase())
      ? [{ column, collation }]
      : [];
  });
  if (collated.length === 0) return undefined;
  const cast = collated.map(({ column }) => `COLLATE(${column}, 'utf8') AS ${column}`).join(', ');
  return {
    finding: collated.map(({ column, collation }) => `${column} has the collation ${shown(collation)}`).join(', '),
    remedy: `keys are compared by code points: a view gives ${cast}; put its name into lib/stage.ts`,
  };
}

const userColumn = z.string().regex(/^\d{1,18}$/);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The key of a row of the table, or why the pipeline would not find such a row. Invalid keys are not repeated. */
export function readAnyKey(row: readonly unknown[] | undefined, names: WarehouseNames): LearnerKey | WarehouseCheck {
  const { table, role, columns, enterpriseIdForm } = names;
  if (row === undefined) {
    return no(
      'row',
      `${table} shows no row`,
      `it is empty, or a row access or masking policy hides its rows from ${role}`,
    );
  }
  const [user, course, enterprise, ...collations] = row;
  const collated = collationFault(collations, names);
  if (collated !== undefined) return no('row', collated.finding, collated.remedy);
  const unlike = (column: string, what: string) =>
    no('row', `${column} of some row is not ${what}`, 'events have this form: a row in another form is never found');
  const userId = userColumn.safeParse(user);
  if (!userId.success) return unlike(columns.user, 'a numeric user id');
  const courseId = courseIdSchema.safeParse(course);
  if (!courseId.success) return unlike(columns.course, 'a course key');
  const enterpriseId = canonicalEnterpriseId(String(enterprise));
  if (!UUID.test(enterpriseId)) return unlike(columns.enterprise, 'a UUID');
  if (enterprise !== inForm(enterpriseId, enterpriseIdForm)) {
    const found = ENTERPRISE_ID_FORMS.find((form) => enterprise === inForm(enterpriseId, form));
    if (found === undefined) return unlike(columns.enterprise, 'a UUID in one case, with all dashes or none');
    const remedy = `set warehouse.enterpriseIdForm to '${found}' in lib/stage.ts, and deploy`;
    return no('row', `${columns.enterprise} has the form '${found}', the stage asks for '${enterpriseIdForm}'`, remedy);
  }
  return { userId: userId.data, courseId: courseId.data, enterpriseId };
}

/** Checks that the pipeline's query finds the row of an existing key. The learner's sum is not reported. */
export function checkRow(
  key: LearnerKey,
  rows: readonly unknown[],
  ms: number,
  { columns }: WarehouseNames,
): WarehouseCheck {
  const result = readLearningTimes([key], rows).results.get(learnerKeyText(key));
  if (result === undefined || !('found' in result)) {
    const reason = result?.reason ?? 'no result';
    const remedy = `a view gives whole seconds from 0, such as ROUND(${columns.seconds})::NUMBER(38,0), and a plain date, such as ${columns.date}::DATE`;
    return no('row', `${formatKey(key)}: ${reason}`, remedy);
  }
  if (!result.found) {
    return no(
      'row',
      `${formatKey(key)} is in the table, and not found by its key`,
      'is the key stored with blanks around it?',
    );
  }
  return yes('row', `${formatKey(key)}: sum and date are read (${milliseconds(ms)})`);
}

/** @param token undefined if the table has none */
export function checkChanges(token: ChangeToken | undefined, ms: number, names: WarehouseNames): WarehouseCheck {
  if (token === undefined) return no('changes', `${names.table} has no change token`, changeTokenRemedy());
  const seconds = Number(token.slice(0, -NANOSECOND_DIGITS));
  // Snowflake calls the time an approximation, and only the change of the token is used.
  const about = new Date(Math.min(seconds * SECOND_MS, LAST_DATE_MS)).toISOString().slice(0, 'YYYY-MM-DDTHH:MM'.length);
  return yes('changes', `last change at about ${about}Z, read without a warehouse (${milliseconds(ms)})`);
}

/** Of a change token: nanoseconds after the seconds. */
const NANOSECOND_DIGITS = 9;

/** The largest time of a `Date`. */
const LAST_DATE_MS = 8.64e15;

/** Compares known sums with the warehouse's. */
export function checkSample(
  sample: readonly KnownSum[],
  results: ReadonlyMap<string, LearningTime | KeyFailure>,
  ms: number,
): WarehouseCheck {
  const differences = sample.flatMap((known) => differenceOf(known, results.get(learnerKeyText(keyOf(known)))) ?? []);
  if (differences.length === 0)
    return yes('sample', `${sample.length} of ${sample.length} agree (${milliseconds(ms)})`);
  const finding = `${differences.length} of ${sample.length} differ (${milliseconds(ms)})`;
  const remedy =
    'are the known sums of today’s table, and ids written as in it (docs/how-to/connect-snowflake.md, step 4)?';
  return { ...no('sample', finding, remedy), differences };
}

export function keyOf({ user_id, course_id, enterprise_customer_uuid }: KnownSum): LearnerKey {
  return { userId: user_id, courseId: course_id, enterpriseId: enterprise_customer_uuid };
}

function differenceOf(known: KnownSum, result: LearningTime | KeyFailure | undefined): string | undefined {
  const expected = `${formatKey(keyOf(known))}: expected ${known.total_seconds} s`;
  if (result === undefined) return `${expected}, no result`;
  if (!('found' in result)) return `${expected}, ${result.reason}`;
  if (!result.found) return `${expected}, found no rows`;
  return result.totalSeconds === known.total_seconds ? undefined : `${expected}, found ${result.totalSeconds} s`;
}

function formatKey({ userId, courseId, enterpriseId }: LearnerKey): string {
  return `user ${userId} in ${courseId} of ${enterpriseId}`;
}

/** Whole milliseconds, as they are shown. */
export function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`;
}

export function yes(check: WarehouseCheck['check'], finding: string): WarehouseCheck {
  return { check, verdict: 'yes', finding };
}

export function no(check: WarehouseCheck['check'], finding: string, remedy: string): WarehouseCheck {
  return { check, verdict: 'no', finding, remedy };
}

export function notMade(check: WarehouseCheck['check'], reason: string): WarehouseCheck {
  return { check, verdict: 'not_made', finding: reason };
}

/** Snowflake converts unquoted identifiers to upper case. */
function isSameName(found: string | null, expected: string): boolean {
  return found?.toUpperCase() === expected.toUpperCase();
}
