import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { type HttpServer, startHttpServer } from '../http-server.ts';

/** Maximum size of a request, in bytes. */
const MAX_REQUEST_BYTES = 4096;

const requestSchema = z.object({ words: z.array(z.string()) });

/** A command that cannot be executed; its message is for the user. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
}

/**
 * Accepts commands on a free port of 127.0.0.1: `POST /commands` with `{"words": […]}`. The response is `{"text"}`, or
 * `{"error"}` if the command is refused (400) or fails (500).
 *
 * Web pages must not control it: it refuses any other `Host` (DNS rebinding), any `Origin`, and bodies that are not
 * `application/json`, which a page cannot send to another origin without a preflight.
 */
export async function startControlServer(run: (words: readonly string[]) => Promise<string>): Promise<HttpServer> {
  const server = await startHttpServer(async (request, response) => {
    const [status, body] = await respondTo(request, server.port, run);
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
  });
  return server;
}

async function respondTo(
  request: IncomingMessage,
  port: number,
  run: (words: readonly string[]) => Promise<string>,
): Promise<[status: number, body: object]> {
  const { host, origin, 'content-type': type } = request.headers;
  if (host !== `127.0.0.1:${port}` || origin !== undefined) return [403, { error: 'not from another site' }];
  if (request.method !== 'POST' || request.url !== '/commands') return [404, { error: 'POST /commands' }];
  if (type !== 'application/json') return [415, { error: 'application/json only' }];
  const words = await readWords(request);
  if (words === undefined) return [400, { error: 'expected {"words": ["…"]}' }];
  try {
    return [200, { text: await run(words) }];
  } catch (thrown) {
    return [thrown instanceof CommandRefused ? 400 : 500, { error: (thrown as Error).message }];
  }
}

async function readWords(request: IncomingMessage): Promise<readonly string[] | undefined> {
  let text = '';
  try {
    for await (const part of request.setEncoding('utf8')) {
      text += part;
      if (text.length > MAX_REQUEST_BYTES) return undefined;
    }
    return requestSchema.parse(JSON.parse(text)).words;
  } catch {
    return undefined;
  }
}
