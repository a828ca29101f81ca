import { subscribe } from 'node:diagnostics_channel';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ResponseCase } from './response-cases.ts';

/** The responses to the second request. */
const ON_A_KEPT_CONNECTION = 'HTTP/1.1 218 Kept\r\nContent-Length: 0\r\n\r\n';
const ON_A_FRESH_CONNECTION = 'HTTP/1.1 219 Fresh\r\nContent-Length: 0\r\n\r\n';

export interface Replayed<Result> {
  readonly result: Result;
  /** Whether a second request, sent afterwards, arrived on the same connection. */
  readonly isReused: boolean;
}

/** The clients' sockets of each replay, by its server's port, then by the client's. */
const clientsOf = new Map<number, Map<number, Socket>>();

subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket };
  socket.once('connect', () => clientsOf.get(socket.remotePort ?? 0)?.set(socket.localPort ?? 0, socket));
});

/**
 * Lets a client send one request to a partner that gives this response, and then a second request, for which the client may
 * keep its connection.
 *
 * Each packet is written when the client has read all those before: the kernel cannot join them.
 *
 * @param cuts positions at which the response is cut into packets, ascending
 * @param send sends a POST to this URL. Any client that connects with `node:net` can be tested with the cases
 */
export async function replay<Result>(
  { bytes, ending }: Pick<ResponseCase, 'bytes' | 'ending'>,
  cuts: readonly number[],
  send: (url: string) => Promise<Result>,
): Promise<Replayed<Result>> {
  const response = Buffer.from(bytes, 'latin1');
  const packets = [0, ...cuts].map((from, index) => response.subarray(from, cuts[index]));
  const clients = new Map<number, Socket>();
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
  clientsOf.set(port, clients);
  const url = `http://127.0.0.1:${port}/`;

  async function play(socket: Socket): Promise<void> {
    const client = clients.get(socket.remotePort ?? 0);
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

  try {
    const result = await send(url);
    await replayed.promise;
    await send(url);
    return { result, isReused };
  } finally {
    clientsOf.delete(port);
    for (const socket of [...sockets, ...clients.values()]) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
