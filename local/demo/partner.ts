import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** One request as a partner received it. */
export interface Receipt {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The exact bytes, as text. */
  readonly body: string;
  /** When the request was complete, ISO 8601. */
  readonly received_at: string;
}

/**
 * How a partner answers: always this status, `hang` (never), or `down` (connections are reset). A list is gone through
 * once for each `webhook-id`, and its last entry stays.
 */
export type Behaviour = number | 'hang' | 'down' | readonly (number | 'hang')[];

export interface Partner {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Every request, oldest first. */
  readonly receipts: readonly Receipt[];
  /** How each path answers now. */
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  /** From the next request on. */
  setBehaviour(path: string, behaviour: Behaviour): void;
  close(): Promise<void>;
}

/** Called for each request that a partner received, with what it answered. */
export type OnReceipt = (receipt: Receipt, answered: number | 'hang') => void;

/**
 * The partners' side, on 127.0.0.1: one server, a path for each.
 *
 * @param initial how each path answers at first; other paths answer 404
 */
export async function startPartner(
  initial: Readonly<Record<string, Behaviour>>,
  onReceipt: OnReceipt = () => {},
): Promise<Partner> {
  const receipts: Receipt[] = [];
  const behaviours = new Map(Object.entries(initial));
  const statusNow = (receipt: Receipt, behaviour: Exclude<Behaviour, 'down'>): number | 'hang' => {
    const id = receipt.headers['webhook-id'];
    const earlier = receipts.filter(
      ({ path, headers }) => path === receipt.path && headers['webhook-id'] === id,
    ).length;
    const list = typeof behaviour === 'object' ? behaviour : [behaviour];
    return list[Math.min(earlier, list.length - 1)] ?? 200;
  };
  const server = createServer(async (request, response) => {
    const behaviour = behaviours.get(request.url ?? '') ?? 404;
    if (behaviour === 'down') {
      request.socket.resetAndDestroy();
      return;
    }
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const { method = '', url: path = '', headers } = request;
    const receipt = { method, path, headers, body, received_at: new Date().toISOString() };
    const answered = statusNow(receipt, behaviour);
    if (answered !== 'hang') response.writeHead(answered).end();
    receipts.push(receipt);
    onReceipt(receipt, answered);
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    receipts,
    behaviours,
    setBehaviour: (path, behaviour) => behaviours.set(path, behaviour),
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
