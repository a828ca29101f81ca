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

  const server = await startHttpServer((request, response) => {
    if (mode === 'down') request.socket.resetAndDestroy();
    else if (mode === 'hang') hold(response, held);
    else respond(protocol, request, response).catch(() => response.writeHead(400).end());
  });
  return {
    url: server.url,
    load: tables.load,
    execute: async (sqlText) => {
      await tables.execute(sqlText, [], undefined);
    },
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
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const token = /^Snowflake Token="(.*)"$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const isZipped = request.headers['content-encoding'] === 'gzip';
  // Some requests, like the one that ends a session, have no body.
  const body = await json(isZipped ? request.pipe(createGunzip()) : request).catch(() => undefined);
  const text = JSON.stringify(await protocol.respond(url, token, body));
  response.writeHead(200, { 'content-type': 'application/json' }).end(text);
}
