import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface HttpServer {
  readonly port: number;
  /** `http://127.0.0.1:<port>`, or with the protocol given. */
  readonly url: string;
  /** Closes all connections, including open requests. */
  close(): Promise<void>;
}

/**
 * Makes a server listen on 127.0.0.1.
 *
 * @param port 0, the default: a free one
 * @param protocol of its URL
 * @throws Error (EADDRINUSE) if the port is in use
 */
export async function listen(server: Server, port = 0, protocol = 'http'): Promise<HttpServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject).listen(port, '127.0.0.1', listening.resolve);
  await listening.promise;
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `${protocol}://127.0.0.1:${bound}`,
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

/**
 * Starts an HTTP server on 127.0.0.1.
 *
 * @param port 0, the default: a free one
 * @throws Error (EADDRINUSE) if the port is in use
 */
export function startHttpServer(listener: RequestListener, port = 0): Promise<HttpServer> {
  return listen(createServer(listener), port);
}
