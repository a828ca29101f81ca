import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * All partners, in a process of their own: one path each, answered 200 at once or not at all. Tells its port; then takes
 * a path, which hangs from then on, or asks for the arrivals. Ends with its parent.
 */
const hanging = new Set<string | undefined>();
const arrivals: [webhookId: string, atMs: number][] = [];

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    arrivals.push([String(request.headers['webhook-id']), Date.now()]);
    if (!hanging.has(request.url)) response.end();
  });
});
process.once('disconnect', () => process.exit());
process.on('message', (message: { readonly hang: string } | 'arrivals') => {
  if (message === 'arrivals') process.send?.(arrivals);
  else process.send?.(hanging.add(message.hang).size);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
