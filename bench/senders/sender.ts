import { keepPosting } from '../delivery/bare-loop.ts';
import { carryOutOrders, type Expense, metered } from '../sender.ts';
import { type Client, createPosts } from './clients.ts';

export interface Order {
  readonly client: Client;
  readonly durationMs: number;
}

export interface Posted extends Expense {
  readonly requests: number;
}

const IN_FLIGHT = 10;
/** About as large as a completion with its envelope. */
const BODIES = [JSON.stringify({ filling: 'x'.repeat(1000) })];

/** The process that is measured: one client at a time, as it is ordered, to the same partner. */
const posts = createPosts(String(process.env.PARTNER_URL));
carryOutOrders<Order, Posted>(async ({ client, durationMs }) => {
  const untilMs = performance.now() + durationMs;
  const { value: requests, ...expense } = await metered(() => keepPosting(posts[client], BODIES, IN_FLIGHT, untilMs));
  return { requests, ...expense };
});
