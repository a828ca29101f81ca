import type { IncomingMessage, ServerResponse } from 'node:http';
import { startHttpServer } from '../../local/http-server.ts';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A server for `snowflake-sdk` that responds correctly until a test changes its responses. */
export interface MisbehavingSnowflake {
  readonly url: string;
  /** How logins, statements and everything else are answered from now on; absent: well. */
  answers: { login?: Answer; query?: Answer; other?: Answer };
  /** Requests received, without logouts. */
  requests(): number;
  close(): Promise<void>;
}

export const json =
  (body: unknown, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

export const succeeded = (data: object): Answer => json({ success: true, code: null, message: null, data });

/** Of a login, with the parameters that a session of a real account comes with, as far as the SDK knows them. */
const GOOD_LOGIN = succeeded({
  token: 'session-token',
  masterToken: 'master-token',
  validityInSeconds: 3600,
  masterValidityInSeconds: 14_400,
  displayUserName: 'ENTERPRISE_SERVICE_USER',
  serverVersion: '9.35.2',
  firstLogin: false,
  remMeToken: null,
  remMeValidityInSeconds: 0,
  healthCheckInterval: 45,
  newClientForUpgrade: null,
  sessionId: 1_084_975_522_330_626,
  idToken: null,
  idTokenValidityInSeconds: 0,
  mfaToken: null,
  responseData: null,
  sessionInfo: { databaseName: null, schemaName: null, warehouseName: 'COMPUTE_WH', roleName: 'ANALYST' },
  parameters: [
    { name: 'CLIENT_PREFETCH_THREADS', value: 4 },
    { name: 'TIMESTAMP_OUTPUT_FORMAT', value: 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM' },
    { name: 'DATE_OUTPUT_FORMAT', value: 'DD-MON-YYYY' },
    { name: 'TIMEZONE', value: 'America/Los_Angeles' },
    { name: 'CLIENT_RESULT_CHUNK_SIZE', value: 160 },
    { name: 'CLIENT_SESSION_KEEP_ALIVE', value: false },
    { name: 'QUERY_CONTEXT_CACHE_SIZE', value: 5 },
    { name: 'CLIENT_TELEMETRY_ENABLED', value: true },
    { name: 'JS_TREAT_INTEGER_AS_BIGINT', value: false },
  ],
});

const column = (name: string, type: string, precision: number | null = null) => ({
  name,
  database: '',
  schema: '',
  table: '',
  nullable: true,
  length: type === 'text' ? 16_777_216 : null,
  byteLength: type === 'text' ? 16_777_216 : null,
  type,
  scale: precision === null ? null : 0,
  precision,
  collation: null,
});

/** Rows as a warehouse sends them: everything is text, dates are days since 1970. */
export function answerOf(rowset: readonly (readonly (string | null)[])[], changed: object = {}): Answer {
  return succeeded({
    parameters: [{ name: 'DATE_OUTPUT_FORMAT', value: 'DD-MON-YYYY' }],
    rowtype: [
      column('USER_ID', 'fixed', 38),
      column('COURSE_KEY', 'text'),
      column('ENTERPRISE_CUSTOMER_UUID', 'text'),
      column('SUM(LEARNING_TIME_SECONDS)', 'fixed', 38),
      column('MAX(DATE)', 'date'),
      column('COUNT(*) OVER ()', 'fixed', 18),
    ],
    rowset: counted(rowset),
    total: rowset.length,
    returned: rowset.length,
    queryId: '01b2c3d4-0000-1111-0000-000000000001',
    queryResultFormat: 'json',
    databaseProvider: null,
    finalDatabaseName: 'PROD',
    finalSchemaName: 'BUSINESS_INTELLIGENCE',
    finalWarehouseName: 'COMPUTE_WH',
    finalRoleName: 'ANALYST',
    numberOfBinds: 3,
    arrayBindSupported: false,
    statementTypeId: 4096,
    version: 1,
    sendResultTime: 1_768_046_400_000,
    queryContext: { entries: [{ id: 0, timestamp: 1_768_046_400_000, priority: 0, context: 'CPg=' }] },
    ...changed,
  });
}

/** Each row with the number of all rows, as the query asks for it; what is no row is left alone. */
function counted(rowset: unknown): unknown {
  if (!Array.isArray(rowset)) return rowset;
  return rowset.map((row) => (Array.isArray(row) ? [...row, String(rowset.length)] : row));
}

/** Ends a session that was given up; the SDK sends it once, some time after the query has failed. */
const LOGOUT = '/session?delete=true';

export async function startMisbehavingSnowflake(): Promise<MisbehavingSnowflake> {
  let requests = 0;
  const { url, close } = await startHttpServer((request, response) => {
    const path = request.url ?? '';
    if (!path.startsWith(LOGOUT)) requests += 1;
    response.on('error', () => {});
    request.resume();
    if (path.startsWith('/session/v1/login-request')) (fixture.answers.login ?? GOOD_LOGIN)(response, request);
    else if (path.startsWith('/queries/v1/query-request')) (fixture.answers.query ?? answerOf([]))(response, request);
    else (fixture.answers.other ?? succeeded({}))(response, request);
  });
  const fixture: MisbehavingSnowflake = { url, answers: {}, requests: () => requests, close };
  return fixture;
}
