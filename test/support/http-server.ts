import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface Listening {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Ends every connection, and the server. */
  close(): Promise<void>;
}

/** Has a server listen on 127.0.0.1. @param port 0 for a free one @param protocol of its URL */
export async function listen(server: Server, port = 0, protocol = 'http'): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject).listen(port, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address() as AddressInfo;
  return {
    url: `${protocol}://127.0.0.1:${address.port}`,
    port: address.port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Starts an HTTP server on a free port of 127.0.0.1. */
export function startHttpServer(respond: RequestListener): Promise<Listening> {
  return listen(createServer(respond));
}
