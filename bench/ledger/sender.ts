import { deliverMessages } from '../../lambdas/delivery/deliver-messages.ts';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import { newDelivery } from '../../lambdas/events/progress.ts';
import type { Ledger } from '../../lambdas/ledger/ports.ts';
import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import { toMessageText } from '../../lambdas/shared/json-text.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { metered } from '../cpu.ts';
import { BATCH_SIZE, INTEGRATION_IDS } from '../delivery/loads.ts';
import { accept, ENRICHED } from '../delivery/messages.ts';
import { createWatchedServices } from '../delivery/watched-services.ts';
import { NO_LEDGER } from '../no-ledger.ts';
import { carryOutOrders } from '../worker.ts';
import type { Order, Performed } from './orders.ts';

/** A payload's size in docs/costs.md. */
const PAYLOAD_BYTES = 2048;

/** A batch for EnrichBatch and for DeliverBatch. */
interface Batch {
  readonly deliveries: readonly Delivery[];
  readonly messages: readonly ReceivedMessage[];
}

/** The measured process: accepts and delivers, with or without the ledger. */
const watch = createWatchedServices(process.env);
const { services } = watch;
const ledgers: Readonly<Record<Order['ledger'], Ledger>> = { on: services.ledger, off: NO_LEDGER };
const registry = await services.integrations.read();
if (registry === undefined) throw new Error('the integrations cannot be read');

let events = 0;
let prepared: Batch[] = [];

/** The ledger accepts no event twice, so each is a new one. */
function nextBatch(): Batch {
  const deliveries = Array.from({ length: BATCH_SIZE }, () => {
    events += 1;
    return deliveryFor(`event-${events}`, INTEGRATION_IDS[events % INTEGRATION_IDS.length] as string);
  });
  return { deliveries, messages: deliveries.map((one) => ({ id: one.event_id, body: toMessageText(one) })) };
}

function deliveryFor(eventId: string, integrationId: string): Delivery {
  const { payload, ...event } = completion(eventId, integrationId, LEARNER.known);
  const padding = 'x'.repeat(PAYLOAD_BYTES - Buffer.byteLength(JSON.stringify({ ...payload, padding: '' })));
  const subject = accept({ ...event, payload: { ...payload, padding } }, registry as NonNullable<typeof registry>);
  return newDelivery({ ...subject, accepted_at: new Date().toISOString() }, ENRICHED);
}

/** Writes every batch into the ledger. @returns how many events */
async function acceptAll(batches: readonly Batch[], { ledger, batchesAtOnce }: Order, durationsMs: number[]) {
  const left = [...batches];
  await inParallel(batchesAtOnce, async () => {
    for (let batch = left.pop(); batch !== undefined; batch = left.pop()) {
      const startedAtMs = performance.now();
      await ledgers[ledger].accept(batch.deliveries);
      durationsMs.push(performance.now() - startedAtMs);
    }
  });
  watch.check([]);
  return batches.length * BATCH_SIZE;
}

/** @returns how many deliveries were made */
async function deliverUntil(untilMs: number, { ledger, batchesAtOnce }: Order, durationsMs: number[]) {
  const delivering = { ...services, ledger: timed(ledgers[ledger], durationsMs) };
  const before = watch.delivered;
  await inParallel(batchesAtOnce, async () => {
    while (performance.now() < untilMs) {
      const batch = prepared.pop();
      if (batch === undefined) throw new Error('too few batches were prepared');
      watch.check((await deliverMessages(batch.messages, delivering)).values());
    }
  });
  prepared = [];
  return watch.delivered - before;
}

/** The same ledger, which adds how long each delivery took from before its claim until it was settled. */
function timed(ledger: Ledger, durationsMs: number[]): Ledger {
  const claimedAtMs = new Map<string, number>();
  return {
    ...ledger,
    claim(delivery, leaseMs) {
      claimedAtMs.set(delivery.webhook_id, performance.now());
      return ledger.claim(delivery, leaseMs);
    },
    async settle(lease, settlement) {
      const isWritten = await ledger.settle(lease, settlement);
      durationsMs.push(performance.now() - (claimedAtMs.get(lease.delivery.webhook_id) ?? Number.NaN));
      return isWritten;
    },
  };
}

async function inParallel(workers: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: workers }, work));
}

carryOutOrders<Order, Performed>(async (order) => {
  const durationsMs: number[] = [];
  if (order.kind === 'prepare') prepared = Array.from({ length: order.batches }, nextBatch);
  const expense = await metered(() =>
    order.kind === 'prepare'
      ? acceptAll(prepared, order, durationsMs)
      : deliverUntil(performance.now() + order.durationMs, order, durationsMs),
  );
  return { ...expense, durationsMs, isValkeyLost: watch.takeValkeyLost() };
});
