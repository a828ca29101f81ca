import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
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
 * How a partner answers: always this status, or `hang` (never). A list is gone through once for each `webhook-id`, and
 * its last entry stays.
 */
export type Behaviour = number | 'hang' | readonly (number | 'hang')[];

export interface Partner {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Every request, oldest first. */
  readonly receipts: readonly Receipt[];
  close(): Promise<void>;
}

/**
 * The partners' side, on 127.0.0.1: one server, a path for each.
 *
 * @param behaviours by path; other paths answer 404
 */
export async function startPartner(
  behaviours: Readonly<Record<string, Behaviour>>,
  onReceipt: (receipt: Receipt) => void = () => {},
): Promise<Partner> {
  const receipts: Receipt[] = [];
  const answer = (receipt: Receipt, response: ServerResponse) => {
    const behaviour = behaviours[receipt.path] ?? 404;
    const id = receipt.headers['webhook-id'];
    const earlier = receipts.filter(
      ({ path, headers }) => path === receipt.path && headers['webhook-id'] === id,
    ).length;
    const list = typeof behaviour === 'object' ? behaviour : [behaviour];
    const now = list[Math.min(earlier, list.length - 1)] ?? 200;
    if (now !== 'hang') response.writeHead(now).end();
  };
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const { method = '', url: path = '', headers } = request;
    const receipt = { method, path, headers, body, received_at: new Date().toISOString() };
    answer(receipt, response);
    receipts.push(receipt);
    onReceipt(receipt);
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    receipts,
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
