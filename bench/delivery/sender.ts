import { barePost, keepPosting } from './bare-loop.ts';
import type { Load, Order, Performance, SenderMessage } from './loads.ts';
import { createOurPath } from './our-path.ts';

/**
 * The process that is measured: the bare loop and our path, one at a time as it is ordered, with the same bodies to the
 * same partner. Ends with its parent.
 */
const tell = (message: SenderMessage) => process.send?.(message);
process.once('disconnect', () => process.exit());

const path = await createOurPath(process.env);
const url = String(process.env.PARTNER_URL);
const posts = { bare: barePost(url), sender: path.postTo(url) };

function carry(load: Load, untilMs: number): Promise<number> {
  if (load.kind === 'signed') return path.sendSigned(load, untilMs);
  if (load.kind === 'ours') return path.deliver(load, untilMs);
  return keepPosting(posts[load.kind], path.bodies, load.inFlight, untilMs);
}

async function perform({ load, durationMs }: Order): Promise<Performance> {
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  const deliveries = await carry(load, startedAtMs + durationMs);
  const { user, system } = process.cpuUsage(before);
  const isGateLost = path.takeGateLost();
  return { deliveries, elapsedMs: performance.now() - startedAtMs, cpuMs: (user + system) / 1000, isGateLost };
}

process.on('message', (order: Order) => {
  perform(order).then(
    (done) => tell({ done }),
    (thrown: unknown) => tell({ fault: String(thrown) }),
  );
});
tell({ ready: true });
