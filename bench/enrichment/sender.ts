import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { metered } from '../cpu.ts';
import { carryOutOrders } from '../worker.ts';
import { createBareLoop } from './bare-loop.ts';
import { createBatches } from './events.ts';
import { BATCH_SIZE, type Enriched, type Order } from './orders.ts';
import { createOurPath } from './our-path.ts';
import { createReference } from './reference.ts';

/** The measured process: runs either side, with the same events and servers. */
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const ours = createOurPath(process.env);
const sides = { ours: ours.enrich, bare: createBareLoop(process.env), reference: await createReference(process.env) };
const ids = Array.from({ length: Number(process.env.INTEGRATIONS) }, (_, index) => `partner-${index}`);
const batches = createBatches(ids);

async function enrich({ side, cache, until }: Order): Promise<number> {
  const endsAtMs = 'ms' in until ? performance.now() + until.ms : Number.POSITIVE_INFINITY;
  const most = 'events' in until ? until.events : Number.POSITIVE_INFINITY;
  let events = 0;
  while (events < most && performance.now() < endsAtMs) {
    await sides[side](batches.next(cache));
    events += BATCH_SIZE;
  }
  return events;
}

carryOutOrders<Order, Enriched>(async (order) => {
  const expense = await metered(() => enrich(order));
  const lookupMs = ours.takeLookups();
  collectGarbage();
  return { ...expense, lookupMs, heapBytes: process.memoryUsage().heapUsed };
});
