import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerUse } from '../server-use.ts';

/** How a partner begins. */
export interface PartnerOptions {
  readonly cert: string;
  readonly key: string;
  /** From a request's end to its answer; 0: at once. */
  readonly delayMs: number;
}

/**
 * A partner in a process of its own: takes whatever comes and answers 200. Gets its options by message, tells its port,
 * then at any message how it is used. Ends with its parent.
 */
let requests = 0;
process.once('disconnect', () => process.exit());
process.once('message', ({ delayMs, ...identity }: PartnerOptions) => {
  const server = createServer(identity, (request, response) => {
    request.resume().once('end', () => {
      requests += 1;
      if (delayMs === 0) response.end();
      else setTimeout(() => response.end(), delayMs);
    });
  });
  // Nothing is closed between rounds, however slow the machine.
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ requests, cpuMs: (user + system) / 1000 } satisfies ServerUse);
  });
});
