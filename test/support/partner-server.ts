import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import * as https from 'node:https';
import { type AddressInfo, createServer as createRawServer, type Server as RawServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { TEST_ONLY_CERTIFICATE, TEST_ONLY_KEY } from './test-only-certificate.ts';

/** One request as a partner received it. */
export interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  /** Names as they were written, values between them. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The connection it came on, numbered from 0. */
  readonly connection: number;
}

export interface PartnerServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  /** Connections that were ever opened. */
  readonly connections: readonly Socket[];
  close(): Promise<void>;
}

export type Answer = (answer: ServerResponse, request: Received) => void;

/**
 * A partner's endpoint on this machine; `answer` is called when a request has come whole.
 *
 * @param tls instead of the self-signed certificate, or besides it
 */
export function startPartner(
  answer: Answer,
  protocol: 'http' | 'https' = 'http',
  tls: https.ServerOptions = {},
): Promise<PartnerServer> {
  const connections: Socket[] = [];
  const received: Received[] = [];
  const listener: RequestListener = (request, response) => {
    void buffer(request).then((body) => {
      const { method, url: path, headers, rawHeaders, socket } = request;
      const one = { method, path, headers, rawHeaders, body, connection: connections.indexOf(socket) };
      received.push(one);
      answer(response, one);
    });
  };
  const server: Server =
    protocol === 'http'
      ? createServer(listener)
      : https.createServer({ cert: TEST_ONLY_CERTIFICATE, key: TEST_ONLY_KEY, ...tls }, listener);
  server.on(protocol === 'http' ? 'connection' : 'secureConnection', (socket: Socket) => connections.push(socket));
  return listening(server, protocol, received, connections);
}

/** A partner that speaks no HTTP of its own accord: `talk` is called when something has come on a connection. */
export function startRawPartner(talk: (socket: Socket) => void): Promise<PartnerServer> {
  const connections: Socket[] = [];
  const server = createRawServer((socket) => {
    connections.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => talk(socket));
  });
  return listening(server, 'http', [], connections);
}

async function listening(
  server: RawServer,
  protocol: string,
  received: readonly Received[],
  connections: readonly Socket[],
): Promise<PartnerServer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${protocol}://127.0.0.1:${port}`,
    port,
    received,
    connections,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}
