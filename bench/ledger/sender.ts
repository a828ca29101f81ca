import { deliverMessages } from '../../lambdas/delivery/deliver-messages.ts';
import { BATCH_SIZE, INTEGRATION_IDS } from '../delivery/loads.ts';
import { createWatchedServices } from '../delivery/watched-services.ts';
import { NO_LEDGER } from '../no-ledger.ts';
import { carryOutOrders, metered } from '../sender.ts';
import { type Batch, createBatches } from './batches.ts';
import { createCountedLedger, timed } from './ledgers.ts';
import type { Accepted, Counted, Delivered, Order, Outcome } from './orders.ts';

/** The process that is measured: accepts and delivers, with the ledger or without, as it is ordered. */
const watch = createWatchedServices(process.env);
const { services } = watch;
const book = await services.integrations.read();
if (book === undefined) throw new Error('the integrations cannot be read');
const nextBatch = createBatches(book);
let prepared: Batch[] = [];

async function prepare({ ledger, batches, batchesAtOnce }: Extract<Order, { kind: 'prepare' }>): Promise<Accepted> {
  prepared = Array.from({ length: batches }, nextBatch);
  const { accept } = ledger === 'on' ? services.ledger : NO_LEDGER;
  const batchMs: number[] = [];
  const left = [...prepared];
  const { value: _, ...expense } = await metered(() =>
    sideBySide(batchesAtOnce, async () => {
      for (let batch = left.pop(); batch !== undefined; batch = left.pop()) {
        const startedAtMs = performance.now();
        await accept(batch.deliveries);
        batchMs.push(performance.now() - startedAtMs);
      }
    }),
  );
  watch.check([]);
  return { events: batches * BATCH_SIZE, batchMs, ...expense };
}

async function deliver({ ledger, durationMs, batchesAtOnce }: Extract<Order, { kind: 'deliver' }>): Promise<Delivered> {
  const deliveryMs: number[] = [];
  const delivering = { ...services, ledger: timed(ledger === 'on' ? services.ledger : NO_LEDGER, deliveryMs) };
  const before = watch.delivered;
  const untilMs = performance.now() + durationMs;
  const { value: _, ...expense } = await metered(() =>
    sideBySide(batchesAtOnce, async () => {
      while (performance.now() < untilMs) {
        const batch = prepared.pop();
        if (batch === undefined) throw new Error('too few batches were prepared');
        watch.check((await deliverMessages(batch.messages, delivering)).values());
      }
    }),
  );
  prepared = [];
  return { deliveries: watch.delivered - before, deliveryMs, isGateLost: watch.takeGateLost(), ...expense };
}

async function count({ batches }: Extract<Order, { kind: 'count' }>): Promise<Counted> {
  const { ledger, take } = createCountedLedger(services);
  const accept = async (some: readonly Batch[]) => {
    for (const { deliveries } of some) await ledger.accept(deliveries);
  };
  // Each integration's first event of a day is entered into the directory besides.
  await accept(Array.from({ length: INTEGRATION_IDS.length / BATCH_SIZE }, nextBatch));
  take();
  const counted = Array.from({ length: batches }, nextBatch);
  await accept(counted);
  const accepting = take();
  for (const { messages } of counted) watch.check((await deliverMessages(messages, { ...services, ledger })).values());
  return { events: batches * BATCH_SIZE, accept: accepting, deliver: take() };
}

async function sideBySide(workers: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: workers }, work));
}

carryOutOrders<Order, Outcome>((order) => {
  if (order.kind === 'prepare') return prepare(order);
  return order.kind === 'deliver' ? deliver(order) : count(order);
});
