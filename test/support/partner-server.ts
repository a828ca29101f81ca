import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import * as https from 'node:https';
import { createServer as createRawServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type HttpServer, listen } from '../../local/http-server.ts';
import { TEST_ONLY_CERTIFICATE, TEST_ONLY_KEY } from './test-only-certificate.ts';

/** Options of a sender that sends to these partners. */
export const TO_LOCAL_PARTNERS = {
  allowPlainHttp: true,
  allowedCidrs: ['127.0.0.0/8'],
  allowedPorts: 'any',
} as const;

/** One request as a partner received it. */
export interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  /** Names as they were written, each followed by its value. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The number of its connection, from 0. */
  readonly connection: number;
}

export interface PartnerServer extends HttpServer {
  readonly received: readonly Received[];
  /** All connections that were opened. */
  readonly connections: readonly Socket[];
}

export type Answer = (answer: ServerResponse, request: Received) => void;

/**
 * A partner's endpoint on this machine; `answer` is called when a whole request has arrived.
 *
 * @param tls instead of the self-signed certificate, or in addition to it
 */
export async function startPartner(
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
  return { ...(await listen(server, 0, protocol)), received, connections };
}

/** A partner without HTTP: `talk` is called when the first bytes have arrived on a connection. */
export async function startRawPartner(talk: (socket: Socket) => void): Promise<PartnerServer> {
  const connections: Socket[] = [];
  const server = createRawServer((socket) => {
    connections.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => talk(socket));
  });
  return { ...(await listen(server)), received: [], connections };
}
