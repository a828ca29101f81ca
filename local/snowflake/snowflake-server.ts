import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { startHttpServer } from '../http-server.ts';
import { Protocol, type ReceivedStatement, type ServiceUser } from './protocol.ts';
import { createTables, type LearningTimeRow } from './tables.ts';

export type { LearningTimeRow };

/** `down`: connections are reset. `hang`: no response. `refuse`: all logins and sessions are refused. */
export type SnowflakeServerMode = 'up' | 'down' | 'hang' | 'refuse';

export type SnowflakeServerOptions = ServiceUser;

/** A Snowflake for the real `snowflake-sdk`: its wire protocol, on DuckDB. */
export interface SnowflakeServer {
  /** `access_url` for the secret. */
  readonly url: string;
  /** Adds rows to the learning-time table; a row of the same learner, course, enterprise and day is replaced. */
  load(rows: readonly LearningTimeRow[]): Promise<void>;
  /** Runs DuckDB statements, for tables of other shapes. */
  execute(sqlText: string): Promise<void>;
  /**
   * The token of the last change, which `SYSTEM$LAST_CHANGE_COMMIT_TIME` returns for every table from now on: nanoseconds as
   * digits, or null for a kind of table that has none. `load` and `execute` change it to the current time.
   */
  setChangeToken(token: string | null): void;
  /** The collation that every text column has from now on, as `COLLATION` returns it; results stay as they are. */
  setCollation(collation: string | null): void;
  /** From now on, the response to a statement is "in progress", and the request for its result gets it. */
  setSlow(isSlow: boolean): void;
  /** Results have expired, as after 24 hours. */
  expireResults(): void;
  /** Requests for a result's chunks are not answered from this chunk on, counted from 0; undefined: all are answered. */
  holdChunksFrom(index: number | undefined): void;
  /** Number of requests for chunks. */
  chunkRequestCount(): number;
  /** All statements received by the protocol, oldest first. */
  queries(): readonly ReceivedStatement[];
  /** Number of logins, including refused ones. */
  loginCount(): number;
  sessionCount(): number;
  /** Number of requests without response whose client still waits. */
  heldRequestCount(): number;
  setMode(mode: SnowflakeServerMode): void;
  rotateKey(publicKey: string): void;
  /** Expires session tokens; the client can renew them. */
  expireSessions(): void;
  /** Removes all sessions; the client must log in again. */
  endSessions(): void;
  close(): Promise<void>;
}

/** Starts the server on 127.0.0.1, with an empty learning-time table. */
export async function startSnowflakeServer(options: SnowflakeServerOptions): Promise<SnowflakeServer> {
  const tables = await createTables('PROD', 'BUSINESS_INTELLIGENCE', 'LEARNING_TIME');
  const serviceUser = { ...options };
  const protocol = new Protocol(serviceUser, tables);
  const held = new Set<ServerResponse>();
  let mode: SnowflakeServerMode = 'up';
  let firstHeldChunk = Number.POSITIVE_INFINITY;
  let chunkRequests = 0;

  function respondWithChunk(request: IncomingMessage, response: ServerResponse, [queryId = '', index = '']: string[]) {
    chunkRequests += 1;
    if (Number(index) >= firstHeldChunk) {
      hold(response, held);
      return;
    }
    const key = request.headers['x-amz-server-side-encryption-customer-key'];
    const body = protocol.results.chunk(queryId, Number(index), String(key));
    if (body === undefined) response.writeHead(403, { 'content-type': 'application/xml' }).end('<Error/>');
    else response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
  }

  const server = await startHttpServer((request, response) => {
    const chunk = /^\/chunks\/([^/]+)\/(\d+)$/.exec(request.url ?? '');
    if (mode === 'down') request.socket.resetAndDestroy();
    else if (mode === 'hang') hold(response, held);
    else if (chunk !== null) respondWithChunk(request, response, chunk.slice(1));
    else respond(protocol, request, response).catch(() => response.writeHead(400).end());
  });
  return {
    url: server.url,
    async load(rows) {
      await tables.load(rows);
      protocol.changed();
    },
    async execute(sqlText) {
      await tables.execute(sqlText, [], undefined, () => {});
      protocol.changed();
    },
    setChangeToken(token) {
      protocol.changeToken = token;
    },
    setCollation(collation) {
      protocol.collation = collation;
    },
    setSlow(isSlow) {
      protocol.isSlow = isSlow;
    },
    expireResults: () => protocol.results.expireAll(),
    holdChunksFrom(index) {
      firstHeldChunk = index ?? Number.POSITIVE_INFINITY;
    },
    chunkRequestCount: () => chunkRequests,
    queries: () => protocol.statements,
    loginCount: () => protocol.loginCount,
    sessionCount: () => protocol.sessions.count(),
    heldRequestCount: () => held.size,
    setMode(next) {
      mode = next;
      protocol.refuse(next === 'refuse');
    },
    rotateKey(next) {
      serviceUser.publicKey = next;
    },
    expireSessions: () => protocol.sessions.expireAll(),
    endSessions: () => protocol.sessions.endAll(),
    async close() {
      await server.close();
      tables.close();
    },
  };
}

function hold(response: ServerResponse, held: Set<ServerResponse>): void {
  held.add(response);
  response.once('close', () => held.delete(response));
}

async function respond(protocol: Protocol, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const token = /^Snowflake Token="(.*)"$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const isZipped = request.headers['content-encoding'] === 'gzip';
  // Some requests, like the one that ends a session, have no body.
  const body = await json(isZipped ? request.pipe(createGunzip()) : request).catch(() => undefined);
  const text = JSON.stringify(await protocol.respond(url, token, body));
  response.writeHead(200, { 'content-type': 'application/json' }).end(text);
}
