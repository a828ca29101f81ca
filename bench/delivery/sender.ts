import { carryOutOrders, metered } from '../sender.ts';
import { barePost, keepPosting } from './bare-loop.ts';
import type { Load, Order, Performance } from './loads.ts';
import { createOurPath } from './our-path.ts';

/**
 * The process that is measured: the bare loop and our path, one at a time as it is ordered, with the same bodies to the
 * same partner.
 */
const path = await createOurPath(process.env);
const url = String(process.env.PARTNER_URL);
const posts = { bare: barePost(url), sender: path.postTo(url) };

function carry(load: Load, untilMs: number): Promise<number> {
  if (load.kind === 'signed') return path.sendSigned(load, untilMs);
  if (load.kind === 'ours') return path.deliver(load, untilMs);
  return keepPosting(posts[load.kind], path.bodies, load.inFlight, untilMs);
}

carryOutOrders<Order, Performance>(async ({ load, durationMs }) => {
  const { value: deliveries, ...expense } = await metered(() => carry(load, performance.now() + durationMs));
  return { deliveries, ...expense, isGateLost: path.takeGateLost() };
});
