import { createServer } from 'node:http';
import { carryOutOrders, listen } from './worker.ts';

/** All partners, one path each: responds 200 at once, or never to a path that hangs. */
export type PartnerOrder = 'address' | 'arrivals' | { readonly hang: string };

const hanging = new Set<string | undefined>();
/** When each webhook was received first, epoch ms. */
const arrivals = new Map<string, number>();

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    const webhookId = String(request.headers['webhook-id']);
    if (!arrivals.has(webhookId)) arrivals.set(webhookId, Date.now());
    if (!hanging.has(request.url)) response.end();
  });
});
const address = await listen(server);
carryOutOrders<PartnerOrder, unknown>((order) => {
  if (order === 'address') return address;
  if (order === 'arrivals') return [...arrivals];
  hanging.add(order.hang);
  return undefined;
});
