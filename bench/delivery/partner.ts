import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/**
 * A partner in a process of its own: takes whatever comes and answers 200 at once. Gets its certificate and key by
 * message, tells its port, then at any message how many requests it has had. Ends with its parent.
 */
let requests = 0;
process.once('disconnect', () => process.exit());
process.once('message', (identity: { readonly cert: string; readonly key: string }) => {
  const server = createServer(identity, (request, response) => {
    request.resume().once('end', () => {
      requests += 1;
      response.end();
    });
  });
  // Nothing is closed between rounds, however slow the machine.
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('message', () => process.send?.(requests));
});
