import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { isValidLoginToken } from './key-pair-login.ts';
import { Results, ResultWriter } from './results.ts';
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
  /** Of its session; null for none. */
  readonly warehouse: string | null;
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
    .looseObject({
      STATEMENT_TIMEOUT_IN_SECONDS: z.number().optional(),
      ROWS_PER_RESULTSET: z.number().optional(),
      CLIENT_RESULT_CHUNK_SIZE: z.number().min(16).max(160).optional(),
    })
    .default({}),
});
type Statement = z.infer<typeof statementSchema>;

/** Snowflake's responses to the requests of `snowflake-sdk`. */
export class Protocol {
  readonly sessions = new Sessions();
  readonly statements: ReceivedStatement[] = [];
  /** Number of logins, including refused ones. */
  loginCount = 0;
  readonly results = new Results();
  changeToken: string | null = '0';
  collation: string | null = null;
  isSlow = false;
  readonly #user: ServiceUser;
  readonly #tables: Tables;
  #isRefusing = false;

  constructor(user: ServiceUser, tables: Tables) {
    this.#user = user;
    this.#tables = tables;
    this.changed();
  }

  /** A table has changed: its change token is now, and greater than it was. */
  changed(): void {
    const now = BigInt(Date.now()) * 1_000_000n;
    const last = BigInt(this.changeToken ?? '0');
    this.changeToken = String(now > last ? now : last + 1n);
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
      this.statements.push({ ...statement, warehouse: session.warehouse });
      return this.#execute(statement, session, url.origin);
    }
    const [, queryId] = /^\/queries\/([^/]+)\/result$/.exec(url.pathname) ?? [];
    if (queryId !== undefined) return this.#resultOf(queryId, url.origin);
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

  async #execute({ bindings, parameters, ...statement }: Statement, context: SessionContext, origin: string) {
    const queryId = randomUUID();
    const sqlText = this.#withFunctions(statement.sqlText, context);
    if (context.warehouse === null && /\bFROM\b/i.test(sqlText)) {
      return failed('000606', 'No active warehouse selected in the current session.', { queryId, sqlState: '57P03' });
    }
    const binds = Object.keys(bindings).map((_, index) => bindings[index + 1] ?? { type: 'TEXT', value: null });
    const limit = parameters.ROWS_PER_RESULTSET ?? this.#user.rowsPerResultset ?? 0;
    const writer = new ResultWriter(limit, parameters.CLIENT_RESULT_CHUNK_SIZE);
    try {
      for (const table of tablesOfTokens(statement.sqlText)) {
        await this.#tables.execute(`SELECT * FROM ${table} LIMIT 0`, [], undefined, () => {});
      }
      const rowtype = await this.#tables.execute(sqlText, binds, parameters.STATEMENT_TIMEOUT_IN_SECONDS, (row) =>
        writer.add(row),
      );
      this.results.store(queryId, writer.end(rowtype));
    } catch (thrown) {
      return failedStatement(thrown, queryId);
    }
    return this.isSlow ? inProgress(queryId) : this.#resultOf(queryId, origin);
  }

  #resultOf(queryId: string, origin: string): object {
    const data = this.results.dataOf(queryId, origin);
    if (typeof data === 'object') return succeeded(data);
    const message = data === '000710' ? `Result for query ${queryId} has expired` : `Statement ${queryId} not found`;
    return failed(data, message, { queryId, sqlState: '02000' });
  }

  /** Replaces functions that DuckDB lacks by literals, or by its own. */
  #withFunctions(sqlText: string, { role, warehouse }: SessionContext): string {
    const literal = (value: string | null) =>
      value === null ? 'CAST(NULL AS VARCHAR)' : `'${value.replaceAll("'", "''")}'`;
    return sqlText
      .replaceAll(/\bCURRENT_ROLE\(\)/gi, () => literal(role))
      .replaceAll(/\bCOLLATION\(\w+\)/gi, () => literal(this.collation))
      .replaceAll(/\bCURRENT_WAREHOUSE\(\)/gi, () => literal(warehouse))
      .replaceAll(/\bDATE_PART\(EPOCH_SECOND, /gi, "DATE_PART('epoch', ")
      .replaceAll(CHANGE_TOKEN, () => `CAST(${this.changeToken ?? 'NULL'} AS HUGEINT)`);
  }
}

/** The change token of a table, which needs no warehouse. */
const CHANGE_TOKEN = /\bSYSTEM\$LAST_CHANGE_COMMIT_TIME\('([^']*)'\)/gi;

function tablesOfTokens(sqlText: string): string[] {
  return [...sqlText.matchAll(CHANGE_TOKEN)].map(([, table = '']) => table);
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

function failedStatement(thrown: unknown, queryId: string): object {
  if (thrown instanceof StatementTimeout) {
    return failed('000630', 'Statement reached its statement timeout.', { queryId, sqlState: '57014' });
  }
  // All SQL errors are Snowflake's most frequent one, "does not exist or not authorized".
  return failed('002003', `SQL compilation error: ${String(thrown)}`, { queryId, sqlState: '42S02' });
}

/** What Snowflake responds after 45 s without a result. The client requests the result until it is there. */
function inProgress(queryId: string): object {
  const data = { queryId, getResultUrl: `/queries/${queryId}/result`, queryAbortsAfterSecs: 300 };
  return { success: true, code: '333333', message: 'Query execution in progress.', data };
}

/** The response to a failed operation, which Snowflake sends with HTTP status 200. */
function failed(code: string, message: string, data: object | null = null): object {
  return { success: false, code, message, data };
}

function succeeded(data: object | null = null): object {
  return { success: true, code: null, message: null, data };
}
