import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ResponseCase } from './response-cases.ts';

/** What the second request gets. */
const ON_A_KEPT_CONNECTION = 'HTTP/1.1 218 Kept\r\nContent-Length: 0\r\n\r\n';
const ON_A_FRESH_CONNECTION = 'HTTP/1.1 219 Fresh\r\nContent-Length: 0\r\n\r\n';

export interface Replayed<Result> {
  readonly result: Result;
  /** Whether a second request, sent afterwards, came on the same connection. */
  readonly isReused: boolean;
}

/**
 * Lets a client send one request to a partner that gives this response, and then, where the client may keep its
 * connection, a second request.
 *
 * Each packet is written when the client has read all those before: the kernel cannot join them.
 *
 * @param cuts where the response is cut into packets, ascending
 * @param send sends a POST to this URL. Any client that connects with `node:net` can be held to the cases
 */
export async function replay<Result>(
  { bytes, ending }: Pick<ResponseCase, 'bytes' | 'ending'>,
  cuts: readonly number[],
  send: (url: string) => Promise<Result>,
): Promise<Replayed<Result>> {
  const response = Buffer.from(bytes, 'latin1');
  const packets = [0, ...cuts].map((from, index) => response.subarray(from, cuts[index]));
  const clients: Socket[] = [];
  const follow = (message: unknown) => void clients.push((message as { socket: Socket }).socket);
  const sockets: Socket[] = [];
  const replayed = Promise.withResolvers<void>();
  let isReused = false;
  const server = createServer({ noDelay: true }, (socket) => {
    const isFirst = sockets.push(socket) === 1;
    let requests = 0;
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      if (!data.includes('\r\n\r\n')) return;
      requests += 1;
      if (isFirst && requests === 1) replayed.resolve(play(socket));
      else {
        isReused = isFirst;
        socket.write(isFirst ? ON_A_KEPT_CONNECTION : ON_A_FRESH_CONNECTION);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;

  async function play(socket: Socket): Promise<void> {
    const client = clients.find(
      // Both ports: one local port may serve connections to several servers.
      ({ localPort, remotePort }) => localPort === socket.remotePort && remotePort === port,
    );
    if (client === undefined) throw new Error('the client does not connect with node:net');
    let sent = 0;
    for (const packet of packets.filter(({ length }) => length > 0)) {
      if (client.destroyed) return;
      socket.write(packet);
      sent += packet.length;
      while (client.bytesRead < sent && !client.destroyed) await new Promise(setImmediate);
    }
    if (ending === 'close') socket.end();
    if (ending === 'reset') socket.resetAndDestroy();
  }

  subscribe('net.client.socket', follow);
  try {
    const result = await send(url);
    await replayed.promise;
    await send(url);
    return { result, isReused };
  } finally {
    unsubscribe('net.client.socket', follow);
    for (const socket of [...sockets, ...clients.filter(({ remotePort }) => remotePort === port)]) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
