import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What becomes of the next requests: passed on; passed on and answered late; never answered; passed on and the answer lost
 * with the connection, as when the other side did its work and nobody heard of it; or answered but for the last byte.
 */
export type Behaviour = 'pass' | { readonly delayMs: number } | 'hang' | 'lose' | 'stall';

/** A server in front of another one, over real sockets: it counts requests and misbehaves when told to. */
export interface FrontServer {
  readonly endpoint: string;
  /** Method and path of every request so far, without the query. */
  readonly requests: string[];
  /** How many clients are waiting for an answer. */
  waiting(): number;
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

export async function startFrontServer(upstream: string): Promise<FrontServer> {
  const requests: string[] = [];
  let behaviour: Behaviour = 'pass';
  let waiting = 0;
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url?.split('?')[0]}`);
    waiting += 1;
    outgoing.once('close', () => {
      waiting -= 1;
    });
    // It fails when the client goes away first: nobody is left to tell.
    answerAs(behaviour, upstream, incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    waiting: () => waiting,
    behave(next) {
      behaviour = next;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answerAs(
  behaviour: Behaviour,
  upstream: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (behaviour === 'hang') return;
  const answer = await passOn(upstream, incoming);
  if (typeof behaviour === 'object') await sleep(behaviour.delayMs);
  const body = await buffer(answer);
  if (behaviour === 'lose') return void incoming.socket.destroy();
  outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
  if (behaviour === 'stall') outgoing.write(body.subarray(0, -1));
  else outgoing.end(body);
}

async function passOn(upstream: string, incoming: IncomingMessage): Promise<IncomingMessage> {
  const body = await buffer(incoming);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method: incoming.method, headers: incoming.headers, agent: false as const };
  request(new URL(incoming.url ?? '/', upstream), options, resolve)
    .on('error', reject)
    .end(body);
  return promise;
}
