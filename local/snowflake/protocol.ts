import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { isValidLoginToken } from './key-pair-login.ts';
import { type SessionContext, Sessions } from './sessions.ts';
import { StatementTimeout, type Tables } from './tables.ts';

/** The account's only user, and its credentials. */
export interface ServiceUser {
  readonly account: string;
  readonly user: string;
  /** PEM; replaced when the key is rotated. */
  publicKey?: string | undefined;
  readonly password?: string | undefined;
  /** Granted roles; absent: every requested role. */
  readonly roles?: readonly string[] | undefined;
  /** Usable warehouses; absent: every requested one. */
  readonly warehouses?: readonly string[] | undefined;
  /** ROWS_PER_RESULTSET of its sessions, unless a statement sets it; 0: no limit. */
  readonly rowsPerResultset?: number | undefined;
}

export interface ReceivedStatement {
  readonly sqlText: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

const loginSchema = z.object({
  data: z.object({ LOGIN_NAME: z.string(), PASSWORD: z.string().nullish(), TOKEN: z.string().nullish() }),
});
const statementSchema = z.object({
  sqlText: z.string(),
  /** By position, from "1". */
  bindings: z.record(z.string(), z.object({ type: z.string(), value: z.string().nullable() })).default({}),
  parameters: z
    .looseObject({ STATEMENT_TIMEOUT_IN_SECONDS: z.number().optional(), ROWS_PER_RESULTSET: z.number().optional() })
    .default({}),
});

/** Snowflake's responses to the requests of `snowflake-sdk`. */
export class Protocol {
  readonly sessions = new Sessions();
  readonly statements: ReceivedStatement[] = [];
  /** Number of logins, including refused ones. */
  loginCount = 0;
  readonly #user: ServiceUser;
  readonly #tables: Tables;
  #isRefusing = false;

  constructor(user: ServiceUser, tables: Tables) {
    this.#user = user;
    this.#tables = tables;
  }

  /** Refuses or accepts logins and sessions from now on. */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
    if (isRefusing) this.sessions.endAll();
  }

  async respond(url: URL, token: string, body: unknown): Promise<object> {
    if (url.pathname === '/session/v1/login-request') return this.#logIn(url, body);
    if (url.pathname === '/session/token-request') return this.#renew(token);
    const session = this.sessions.find(token);
    if (typeof session === 'string') return failed(session, 'The session is no longer valid.');
    if (url.pathname === '/queries/v1/query-request') {
      const statement = statementSchema.parse(body);
      this.statements.push(statement);
      return execute(this.#tables, statement, session, this.#user.rowsPerResultset);
    }
    if (url.pathname === '/session' && url.searchParams.get('delete') === 'true') this.sessions.close(token);
    // Aborts of statements, heartbeats and telemetry are acknowledged without effect.
    return succeeded();
  }

  #logIn(url: URL, body: unknown): object {
    this.loginCount += 1;
    const { data } = loginSchema.parse(body);
    const refusal = this.#isRefusing ? refusedLogin(data) : refusalOf(data, this.#user);
    if (refusal !== undefined) return refusal;
    const role = url.searchParams.get('roleName')?.toUpperCase() ?? null;
    if (role !== null && !isAmong(this.#user.roles, role)) {
      return failed('390189', 'The requested role is not assigned to the executing user.');
    }
    // A missing or forbidden warehouse does not fail the login: the session has none.
    const warehouse = url.searchParams.get('warehouse')?.toUpperCase() ?? null;
    const usable = warehouse !== null && isAmong(this.#user.warehouses, warehouse) ? warehouse : null;
    return succeeded({
      ...this.sessions.open({ role, warehouse: usable }),
      validityInSeconds: 3600,
      masterValidityInSeconds: 14_400,
      parameters: [],
    });
  }

  #renew(masterToken: string): object {
    const renewed = this.sessions.renew(masterToken);
    if (renewed === undefined) return failed('390114', 'Authentication token has expired.');
    return succeeded({ ...renewed, masterToken, validityInSecondsST: 3600, validityInSecondsMT: 14_400 });
  }
}

type LoginData = z.infer<typeof loginSchema>['data'];

function refusalOf(data: LoginData, { account, user, publicKey, password }: ServiceUser): object | undefined {
  const isUser = data.LOGIN_NAME.toUpperCase() === user.toUpperCase();
  const isProven = data.TOKEN
    ? publicKey !== undefined && isValidLoginToken(data.TOKEN, { account, user, publicKey })
    : password !== undefined && data.PASSWORD === password;
  return isUser && isProven ? undefined : refusedLogin(data);
}

function refusedLogin(data: LoginData): object {
  if (data.TOKEN) return failed('390144', 'JWT token is invalid.');
  return failed('390100', 'Incorrect username or password was specified.');
}

function isAmong(names: readonly string[] | undefined, name: string): boolean {
  return names === undefined || names.some((each) => each.toUpperCase() === name);
}

/** Replaces functions that DuckDB lacks by literals: role and warehouse of the session, and no collation. */
function withContext(sqlText: string, { role, warehouse }: SessionContext): string {
  const literal = (value: string | null) =>
    value === null ? 'CAST(NULL AS VARCHAR)' : `'${value.replaceAll("'", "''")}'`;
  return sqlText
    .replaceAll(/\bCURRENT_ROLE\(\)/gi, () => literal(role))
    .replaceAll(/\bCOLLATION\(\w+\)/gi, () => literal(null))
    .replaceAll(/\bCURRENT_WAREHOUSE\(\)/gi, () => literal(warehouse));
}

async function execute(
  tables: Tables,
  statement: z.infer<typeof statementSchema>,
  context: SessionContext,
  rowsPerResultset = 0,
): Promise<object> {
  const queryId = randomUUID();
  const { bindings, parameters } = statement;
  const sqlText = withContext(statement.sqlText, context);
  if (context.warehouse === null && /\bFROM\b/i.test(sqlText)) {
    return failed('000606', 'No active warehouse selected in the current session.', { queryId, sqlState: '57P03' });
  }
  const binds = Object.keys(bindings).map((_, index) => bindings[index + 1] ?? { type: 'TEXT', value: null });
  try {
    const result = await tables.execute(sqlText, binds, parameters.STATEMENT_TIMEOUT_IN_SECONDS);
    const limit = parameters.ROWS_PER_RESULTSET ?? rowsPerResultset;
    const rowset = limit === 0 ? result.rowset : result.rowset.slice(0, limit);
    const counts = { total: result.rowset.length, returned: rowset.length };
    return succeeded({ ...result, rowset, ...counts, queryId, parameters: [], version: 1, queryResultFormat: 'json' });
  } catch (thrown) {
    if (thrown instanceof StatementTimeout) {
      return failed('000630', 'Statement reached its statement timeout.', { queryId, sqlState: '57014' });
    }
    // All SQL errors are Snowflake's most frequent one, "does not exist or not authorized".
    return failed('002003', `SQL compilation error: ${String(thrown)}`, { queryId, sqlState: '42S02' });
  }
}

/** The response to a failed operation, which Snowflake sends with HTTP status 200. */
function failed(code: string, message: string, data: object | null = null): object {
  return { success: false, code, message, data };
}

function succeeded(data: object | null = null): object {
  return { success: true, code: null, message: null, data };
}
