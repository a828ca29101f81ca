import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { type AnyOperation, operation } from '../../../commands/console/operation.ts';
import { type ConsoleServer, type ConsoleServerOptions, startConsoleServer } from '../../../commands/console/server.ts';
import type { OperatorWorld } from '../operator-world.ts';

/** Responds with what it was sent. */
export const ECHO = operation(z.strictObject({ text: z.string() }), async (input) => input);

/** A console of a world's platform, with a page of two files. */
export function startConsole(
  world: Pick<OperatorWorld, 'context'>,
  operations: Readonly<Record<string, AnyOperation>> = { echo: ECHO },
  more: Partial<ConsoleServerOptions> = {},
): Promise<ConsoleServer> {
  const { context } = world;
  return startConsoleServer({
    ...{ stageName: 'local', context, runProgram: async () => 0, operations: async () => operations },
    async files(path) {
      if (path === '/assets/main.js') return { type: 'text/javascript', body: 'run()', isImmutable: true };
      return path === '/' ? { type: 'text/html', body: '<p>page</p>', isImmutable: false } : undefined;
    },
    ...more,
  });
}

export interface Response {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface RequestParts {
  readonly method?: string;
  readonly path?: string;
  /** Added to none: `Host` and all others must be given. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** Sends a request with exactly these headers, as a browser cannot. */
export async function send(
  { url }: Pick<ConsoleServer, 'url'>,
  { method = 'GET', path = '/', headers = {}, body = '' }: RequestParts,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { port } = new URL(url);
  const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) };
  const options = { host: '127.0.0.1', port, method, path, setHost: false, headers: { ...length, ...headers } };
  request(options, async (response) => {
    const { statusCode: status, headers } = response;
    resolve({ status, headers, text: await text(response).catch(() => '') });
  })
    .on('error', reject)
    .end(body);
  return promise;
}

/** The headers of a call of the page. */
export function pageHeaders({ url, token }: ConsoleServer) {
  const { host } = new URL(url);
  return { host, origin: url, authorization: `Bearer ${token}`, 'content-type': 'application/json' };
}

/** Calls an operation as the page does. */
export function callAsPage(console: ConsoleServer, name: string, input: unknown): Promise<Response> {
  const parts = { method: 'POST', path: `/api/${name}`, headers: pageHeaders(console) };
  return send(console, { ...parts, body: JSON.stringify(input) });
}

/** The lines of a response, each of which is a JSON document. */
export function linesOf({ text }: Response): readonly unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
