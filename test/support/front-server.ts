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
 * What becomes of a request: passed on; passed on and its response late, lost with the connection, or stalled before its
 * last byte; never responded to; passed on with another input, or its output changed; or responded to by the front itself.
 */
export type Fate =
  | 'pass'
  | { readonly delayMs: number }
  | 'lose'
  | 'stall'
  | 'hang'
  | { readonly input: unknown; output?(response: Record<string, unknown>): unknown }
  | { readonly status: number; readonly answer: unknown };

/** A server in front of another one, over real sockets: it sees every request, and misbehaves when told to. */
export interface FrontServer {
  readonly endpoint: string;
  /** Method and path of every request so far, without the query. */
  readonly requests: string[];
  /** The same requests as calls. */
  readonly calls: FrontCall[];
  /** How many clients wait for a response. */
  waiting(): number;
  /** What becomes of all requests from now on; all pass until it is told. */
  behave(fate: Fate): void;
  /** The same, decided for each call. */
  decide(fate: (call: FrontCall, position: number) => Fate): void;
  close(): Promise<void>;
}

export async function startFrontServer(upstream: string): Promise<FrontServer> {
  const requests: string[] = [];
  const calls: FrontCall[] = [];
  let fateOf: (call: FrontCall, position: number) => Fate = () => 'pass';
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
    const fate = fateOf(call, calls.push(call) - 1);
    // It fails when the client goes away first.
    respondAs(fate, upstream, { incoming, outgoing, body }).catch(() => incoming.socket.destroy());
  });
  return {
    endpoint: url,
    requests,
    calls,
    waiting: () => waiting,
    behave(fate) {
      fateOf = () => fate;
    },
    decide(fate) {
      fateOf = fate;
    },
    close,
  };
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly body: Buffer;
}

async function respondAs(fate: Fate, upstream: string, { incoming, outgoing, body }: Exchange): Promise<void> {
  if (fate === 'hang') return;
  if (typeof fate === 'object' && 'status' in fate) {
    outgoing.writeHead(fate.status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(fate.answer));
    return;
  }
  const changed = typeof fate === 'object' && 'input' in fate ? fate : undefined;
  const received = await passOn(upstream, incoming, changed ? Buffer.from(JSON.stringify(changed.input)) : body);
  if (typeof fate === 'object' && 'delayMs' in fate) await sleep(fate.delayMs);
  const whole = await buffer(received);
  if (fate === 'lose') return void incoming.socket.destroy();
  const output = changed?.output;
  const response = output === undefined ? whole : Buffer.from(JSON.stringify(output(JSON.parse(whole.toString()))));
  const headers = { ...received.headers, 'content-length': String(response.length) };
  outgoing.writeHead(received.statusCode ?? 500, headers);
  if (fate === 'stall') outgoing.write(response.subarray(0, -1));
  else outgoing.end(response);
}

async function passOn(upstream: string, { method, headers, url = '/' }: IncomingMessage, body: Buffer) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers: { ...headers, 'content-length': String(body.length) }, agent: false as const };
  request(new URL(url, upstream), options, resolve).on('error', reject).end(body);
  return promise;
}
