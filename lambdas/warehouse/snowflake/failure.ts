/**
 * The kind of a failure, which decides what follows:
 * - `refused`: Snowflake refused the login, or the key was unusable. A newer secret may fix it.
 * - `gone`: the session has ended, or another query discarded the connection. A new login fixes it.
 * - `statement`: the statement failed; the session is still usable.
 * - `unreachable`: everything else. The connection is discarded.
 */
export type FailureKind = 'refused' | 'gone' | 'statement' | 'unreachable';

/**
 * A failure of the SDK, reduced to what may be logged. The SDK's error is dropped: Snowflake's messages repeat user names and
 * bind values, and the error of an HTTP request contains its response.
 */
export class SnowflakeFailure extends Error {
  override readonly name = 'SnowflakeFailure';
  readonly kind: FailureKind;
  readonly code: string;

  constructor(kind: FailureKind, code: string, message: string) {
    super(message);
    this.kind = kind;
    this.code = code;
  }
}

/** Unreachable, HTTP status other than 200, not JSON: `constants/error_messages.js` of snowflake-sdk 3.3. */
const NETWORK_CODES: ReadonlySet<string> = new Set(['401001', '401002', '401003']);

/** "Invalid token" and "terminated connection": the SDK's codes for a session that has ended. */
const SESSION_LOST_CODES: ReadonlySet<string> = new Set(['401004', '407002']);

/** Snowflake's own codes for sessions and tokens: `constants/gs_errors.js` of snowflake-sdk 3.3. */
const SESSION_CODE = /^390\d{3}$/;

/**
 * The result of a query is not there: `000709` no such query, `000710` it has expired. Snowflake keeps results for 24 hours.
 * `000710` is quoted in https://github.com/snowflakedb/snowflake-connector-python/issues/1596.
 */
export const RESULT_GONE_CODES: ReadonlySet<string> = new Set(['000709', '000710']);

export function loginFailure(thrown: unknown): SnowflakeFailure {
  const code = codeOf(thrown);
  const kind = NETWORK_CODES.has(code) ? 'unreachable' : 'refused';
  return new SnowflakeFailure(kind, code, `the login failed (${describe(thrown, code)})`);
}

export function queryFailure(thrown: unknown): SnowflakeFailure {
  const code = codeOf(thrown);
  return new SnowflakeFailure(queryFailureKind(thrown, code), code, `the query failed (${describe(thrown, code)})`);
}

function queryFailureKind(thrown: unknown, code: string): FailureKind {
  if (SESSION_LOST_CODES.has(code) || SESSION_CODE.test(code)) return 'gone';
  return field(thrown, 'name') === 'OperationFailedError' && NUMERIC.test(code) ? 'statement' : 'unreachable';
}

const NUMERIC = /^\d{6}$/;

/** Formats codes only, after checking their shape: other fields may quote data. */
function describe(thrown: unknown, code: string): string {
  const sqlState = shaped(field(thrown, 'sqlState'), /^[0-9A-Z]{5}$/);
  const queryId = shaped(field(field(thrown, 'data'), 'queryId'), /^[0-9a-f-]{36}$/);
  const status = shaped(String(field(field(thrown, 'response'), 'status')), /^\d{3}$/);
  const system = shaped(field(field(thrown, 'cause'), 'code'), /^[A-Z_]{3,40}$/);
  const parts = [
    `code ${code}`,
    sqlState && `SQL state ${sqlState}`,
    status && `HTTP ${status}`,
    system,
    queryId && `query ${queryId}`,
  ];
  return parts.filter(Boolean).join(', ');
}

function codeOf(thrown: unknown): string {
  return shaped(String(field(thrown, 'code')), /^([0-9]{6}|[A-Z_0-9]{3,60})$/) ?? 'unknown';
}

function field(value: unknown, name: string): unknown {
  return (value as Record<string, unknown> | null | undefined)?.[name];
}

function shaped(value: unknown, shape: RegExp): string | undefined {
  return typeof value === 'string' && shape.test(value) ? value : undefined;
}
