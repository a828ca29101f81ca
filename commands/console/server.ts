import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type HttpServer, listen } from '../../local/http-server.ts';
import type { Context } from '../shared/context.ts';
import type { AnyOperation, RunProgram } from './operation.ts';
import { openPageFiles, type PageFiles } from './page-files.ts';
import { type CallSurroundings, runCall } from './run-call.ts';
import { createStageOpener } from './stage-opener.ts';

/** Maximum size of a request's body, in bytes. */
const MAX_REQUEST_BYTES = 65_536;

/** Random bytes of the token. */
const TOKEN_BYTES = 32;

/** Limits of a request until its headers, and its body, have arrived. A connection that sends nothing is closed. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5000 } as const;

/**
 * The page loads nothing from elsewhere, runs no inline code, makes no markup of texts, sends data to this server only, and
 * is in no frame.
 */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

export interface ConsoleServer {
  /** With the token in its fragment, which browsers do not send. */
  readonly address: string;
  readonly url: string;
  readonly token: string;
  /** Asks running operations to stop, and awaits them: one may have to restore what it changed. */
  close(): Promise<void>;
}

type LoadOperations = () => Promise<Readonly<Record<string, AnyOperation>>>;

export interface ConsoleServerOptions {
  readonly stageName: string;
  readonly context: Context;
  readonly runProgram: RunProgram;
  /** 0, the default: a free one. */
  readonly port?: number;
  /** Those of `operations.ts`, loaded on the first call. */
  readonly operations?: LoadOperations;
  readonly files?: PageFiles;
}

/**
 * Serves the page and its operations on 127.0.0.1.
 *
 * Only its own page can call an operation. `Host` must be this address (DNS rebinding), `Origin` this origin (other
 * sites), and `Authorization` the token of this start (other programs of this machine).
 *
 * @throws Error (EADDRINUSE) if the port is in use
 */
export async function startConsoleServer(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { stageName, context, runProgram, port = 0, operations = loadOperations, files = openPageFiles() } = options;
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const openStage = createStageOpener(stageName, context);
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  const handler: Handler = {
    token,
    stageName,
    context,
    runProgram,
    operations,
    files,
    openStage,
    closing: closing.signal,
    running,
  };
  const listener = createServer(TIMEOUTS, (request, response) => {
    respond(request, response, `127.0.0.1:${server.port}`, handler).catch((thrown: unknown) => {
      // The connection was closed while the body was read, or the error is a fault of this program.
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'text/plain', `the console has failed: ${(thrown as Error | undefined)?.message}`);
    });
  });
  const server: HttpServer = await listen(listener, port);
  return {
    url: server.url,
    token,
    address: `${server.url}/#token=${token}`,
    async close() {
      closing.abort();
      await Promise.allSettled(running);
      await server.close();
    },
  };
}

interface Handler extends CallSurroundings, Required<Pick<ConsoleServerOptions, 'operations' | 'files'>> {
  readonly token: string;
  /** Operations that have not ended, perhaps without their page. */
  readonly running: Set<Promise<void>>;
}

/** They load the SDKs of all services, which `npm start` need not wait for. */
const loadOperations: LoadOperations = async () => (await import('./operations.ts')).OPERATIONS;

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  host: string,
  handler: Handler,
): Promise<void> {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const { headers, method, url = '' } = request;
  if (headers.host !== host) return sendText(response, 403, 'text/plain', `only for http://${host}`);
  if (headers.origin !== undefined && headers.origin !== `http://${host}`)
    return sendText(response, 403, 'text/plain', 'not from another site');
  const path = url.split('?', 1)[0] ?? '';
  if (path.startsWith('/api/')) return respondToCall(request, response, path.slice('/api/'.length), host, handler);
  if (method !== 'GET' && method !== 'HEAD') return sendText(response, 405, 'text/plain', 'GET only');
  const file = await handler.files(path);
  if (file === undefined) return sendText(response, 404, 'text/plain', 'not found');
  response.setHeader('cache-control', file.isImmutable ? 'private, max-age=31536000, immutable' : 'no-store');
  sendText(response, 200, file.type, file.body);
}

async function respondToCall(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  host: string,
  handler: Handler,
): Promise<void> {
  const { token, operations, running, closing } = handler;
  const { headers, method } = request;
  response.setHeader('cache-control', 'no-store');
  const refuse = (status: number, error: string) =>
    sendText(response, status, 'application/json', JSON.stringify({ error }));
  if (method !== 'POST') return refuse(405, 'POST only');
  if (headers.origin !== `http://${host}`) return refuse(403, 'only from the page');
  if (!isEqual(headers.authorization ?? '', `Bearer ${token}`)) {
    return refuse(401, 'the token of this page is not valid: open the address that the console printed');
  }
  if (headers['content-type'] !== 'application/json') return refuse(415, 'application/json only');
  const known = await operations();
  const called = Object.hasOwn(known, name) ? known[name] : undefined;
  if (called === undefined) return refuse(404, 'there is no such operation');
  const text = await readText(request);
  if (text === undefined) return refuse(413, `at most ${MAX_REQUEST_BYTES} bytes`);
  const input = parseInput(called, text);
  if ('error' in input) return refuse(400, input.error);
  if (closing.aborted) return refuse(503, 'the console is ending');

  const run = runCall(response, called, input.value, handler);
  running.add(run);
  await run.finally(() => running.delete(run));
}

function parseInput(called: AnyOperation, text: string): { value: unknown } | { error: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { error: 'the body is not JSON' };
  }
  const parsed = called.input.safeParse(json);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  return { error: `${issue?.path.join('.') || 'input'}: ${issue?.message ?? 'invalid'}` };
}

/** Compares digests, so that the time tells nothing of the token, nor of its length. */
function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Undefined if the body is too large. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    // What is left is read and dropped, so that the client can read the response.
    if (bytes <= MAX_REQUEST_BYTES) parts.push(part);
  }
  return bytes > MAX_REQUEST_BYTES ? undefined : Buffer.concat(parts).toString('utf8');
}

function sendText(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, {
    'content-type': type.includes('/') && /^text|json|javascript/.test(type) ? `${type}; charset=utf-8` : type,
  });
  response.end(body);
}
