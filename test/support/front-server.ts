import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { startHttpServer } from '../../local/http-server.ts';

/** A call to an AWS service that passes the front. */
export interface FrontCall {
  /** Of a service with a JSON protocol: `PutItem`, `SendMessage`, … */
  readonly operation: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the SDK sends, for tests to pick from.
  readonly input: any;
}

/**
 * The handling of a request: passed on; passed on, with the response delayed, lost with the connection, or stalled before its
 * last byte; no response; passed on with another input or a changed output; or a response of the front itself.
 */
export type Handling =
  | 'pass'
  | { readonly delayMs: number }
  | 'lose'
  | 'stall'
  | 'hang'
  | { readonly input: unknown; output?(response: Record<string, unknown>): unknown }
  | { readonly status: number; readonly answer: unknown };

/** A server in front of another one, over real sockets: it records every request and can misbehave. */
export interface FrontServer {
  readonly endpoint: string;
  /** Method and path of every request so far, without the query. */
  readonly requests: string[];
  /** The same requests as calls. */
  readonly calls: FrontCall[];
  /** How many clients wait for a response. */
  waiting(): number;
  /** The handling of all later requests; initially all pass. */
  behave(handling: Handling): void;
  /** The same, decided for each call. */
  decide(handling: (call: FrontCall, position: number) => Handling): void;
  close(): Promise<void>;
}

export async function startFrontServer(upstream: string): Promise<FrontServer> {
  const requests: string[] = [];
  const calls: FrontCall[] = [];
  let handlingOf: (call: FrontCall, position: number) => Handling = () => 'pass';
  let waiting = 0;
  const { url, close } = await startHttpServer(async (incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url?.split('?')[0]}`);
    waiting += 1;
    outgoing.once('close', () => {
      waiting -= 1;
    });
    const body = await buffer(incoming);
    const operation = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
    const call = { operation, input: body.length === 0 ? undefined : JSON.parse(body.toString()) };
    const handling = handlingOf(call, calls.push(call) - 1);
    // It fails when the client goes away first.
    respondAs(handling, upstream, { incoming, outgoing, body }).catch(() => incoming.socket.destroy());
  });
  return {
    endpoint: url,
    requests,
    calls,
    waiting: () => waiting,
    behave(handling) {
      handlingOf = () => handling;
    },
    decide(handling) {
      handlingOf = handling;
    },
    close,
  };
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly body: Buffer;
}

async function respondAs(handling: Handling, upstream: string, { incoming, outgoing, body }: Exchange): Promise<void> {
  if (handling === 'hang') return;
  if (typeof handling === 'object' && 'status' in handling) {
    outgoing
      .writeHead(handling.status, { 'content-type': 'application/x-amz-json-1.0' })
      .end(JSON.stringify(handling.answer));
    return;
  }
  const changed = typeof handling === 'object' && 'input' in handling ? handling : undefined;
  const received = await passOn(upstream, incoming, changed ? Buffer.from(JSON.stringify(changed.input)) : body);
  if (typeof handling === 'object' && 'delayMs' in handling) await sleep(handling.delayMs);
  const whole = await buffer(received);
  if (handling === 'lose') return void incoming.socket.destroy();
  const output = changed?.output;
  const response = output === undefined ? whole : Buffer.from(JSON.stringify(output(JSON.parse(whole.toString()))));
  const headers = { ...received.headers, 'content-length': String(response.length) };
  outgoing.writeHead(received.statusCode ?? 500, headers);
  if (handling === 'stall') outgoing.write(response.subarray(0, -1));
  else outgoing.end(response);
}

async function passOn(upstream: string, { method, headers, url = '/' }: IncomingMessage, body: Buffer) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers: { ...headers, 'content-length': String(body.length) }, agent: false as const };
  request(new URL(url, upstream), options, resolve).on('error', reject).end(body);
  return promise;
}
