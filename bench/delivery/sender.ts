import { type DeliverMessagesServices, deliverMessages } from '../../lambdas/delivery/deliver-messages.ts';
import { attemptWithinLimits } from '../../lambdas/delivery/limited-attempts.ts';
import { metered } from '../cpu.ts';
import { NO_LEDGER } from '../no-ledger.ts';
import { carryOutOrders } from '../worker.ts';
import { barePost, keepPosting } from './bare-loop.ts';
import { BATCH_SIZE, type Delivered, INTEGRATION_IDS, LIMIT_OUT_OF_REACH, type Load, type Order } from './loads.ts';
import { batchesOf, bodiesFor, deliveriesFor, ENRICHED } from './messages.ts';
import { createWatchedServices } from './watched-services.ts';

/**
 * The measured process: the bare loop or our path, with the same bodies to the same partner. Our path is the wiring of
 * `deliver-batch.ts`, without queues and workflow, which are never called, and without the ledger, which has its own
 * benchmark.
 */
const watch = createWatchedServices(process.env);
const services: DeliverMessagesServices = { ...watch.services, ledger: NO_LEDGER };
const registry = await services.integrations.read();
if (registry === undefined) throw new Error('the integrations cannot be read');
const post = barePost(String(process.env.PARTNER_URL));
const bodies = bodiesFor(registry);

const onePartner = {
  ...registry,
  byId: new Map(
    [...registry.byId].map(([id, entry]) => [id, { ...entry, max_requests_per_minute: LIMIT_OUT_OF_REACH }] as const),
  ),
};
const [first = ''] = INTEGRATION_IDS;
const deliveriesOfOne = deliveriesFor(
  INTEGRATION_IDS.map(() => first),
  registry,
);
const whole = {
  many: { batches: batchesOf(deliveriesFor(INTEGRATION_IDS, registry)), services },
  one: {
    batches: batchesOf(deliveriesOfOne),
    services: { ...services, integrations: { read: async () => onePartner } },
  },
};

async function deliverWhole({ partners, batchesAtOnce }: Extract<Load, { kind: 'whole' }>, untilMs: number) {
  const { batches, services } = whole[partners];
  const before = watch.delivered;
  await inParallel(batchesAtOnce, async (worker) => {
    for (let next = worker; performance.now() < untilMs; next += 1) {
      watch.check((await deliverMessages(batches[next % batches.length] ?? [], services)).values());
    }
  });
  return watch.delivered - before;
}

const ready = deliveriesOfOne.slice(0, BATCH_SIZE).map((delivery) => ({ delivery, enrichment: ENRICHED }));
const quiet = {
  ...services,
  log: { info() {}, warn() {}, error() {} },
  counter: { count() {}, measure() {} },
};

async function deliverSigned({ batchesAtOnce }: Extract<Load, { kind: 'signed' }>, untilMs: number) {
  const integration = onePartner.byId.get(first);
  if (integration === undefined) throw new Error(`no integration ${first}`);
  let delivered = 0;
  await inParallel(batchesAtOnce, async () => {
    while (performance.now() < untilMs) {
      const { outcomes, reported } = await attemptWithinLimits(integration, ready, quiet, true);
      for (const outcome of await Promise.all(outcomes)) {
        if (outcome.to !== 'settle' || outcome.result.outcome !== 'delivered') throw new Error(JSON.stringify(outcome));
      }
      await reported;
      delivered += ready.length;
    }
  });
  return delivered;
}

async function inParallel(workers: number, work: (worker: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
}

function deliver(load: Load, untilMs: number): Promise<number> {
  if (load.kind === 'bare') return keepPosting(post, bodies, load.inFlight, untilMs);
  return load.kind === 'signed' ? deliverSigned(load, untilMs) : deliverWhole(load, untilMs);
}

carryOutOrders<Order, Delivered>(async ({ load, durationMs }) => ({
  ...(await metered(() => deliver(load, performance.now() + durationMs))),
  isValkeyLost: watch.takeValkeyLost(),
}));
