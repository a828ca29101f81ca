import type { Failures, ReceivedMessage } from '../adapters/batch-intake.ts';
import type { Delivery } from '../contract/delivery.ts';
import { errorFields, errorName } from '../contract/errors.ts';
import { type Integration, MAX_QUEUE_TRY_SECONDS } from '../contract/integration.ts';
import type { Hold } from '../contract/ledger-ports.ts';
import { leaseEndMs } from '../domain/ledger.ts';
import { claim } from './claim.ts';
import { bury } from './dead-letters.ts';
import { type FindReceiverServices, findReceiver, readEntry } from './find-receiver.ts';
import { type GatedTriesServices, tryThroughGate } from './gated-tries.ts';
import { type HandOnServices, handOn, handOver } from './hand-on.ts';
import { readDelivery } from './read-delivery.ts';
import type { Ready } from './try-delivery.ts';

export interface DeliverMessagesServices extends FindReceiverServices, GatedTriesServices, HandOnServices {}

/** A message whose delivery is claimed, and may be tried. */
interface Candidate extends Ready {
  readonly message: ReceivedMessage;
  readonly hold: Hold;
  readonly integration: Integration;
}

/** Why a message stays in the queue although nothing failed. */
const IN_HAND = 'another function has it in hand';

/** What becomes of a message that stays in the queue is told by its id. */
type Fail = (id: string, thrown: unknown) => void;

/**
 * Delivers a batch: each integration's deliveries pass its gate together, and no integration waits for another's claims.
 * What must wait goes back to the queue or to the workflow, what cannot succeed to the dead letter queue; only then is its
 * message acknowledged.
 */
export async function deliverMessages(
  messages: readonly ReceivedMessage[],
  services: DeliverMessagesServices,
): Promise<Failures> {
  const failures = new Map<string, string>();
  const fail: Fail = (id, thrown) => {
    failures.set(id, errorName(thrown));
    services.log.error('delivery.failed', { message_id: id, ...errorFields(thrown) });
  };
  const read = messages.map((message) => ({ message, delivery: readDelivery(message.body) }));
  const groups = Map.groupBy(read, ({ delivery }) =>
    typeof delivery === 'string' ? undefined : delivery.integration_id,
  );
  const delivering = [...groups.values()].map(async (group) => {
    const prepared = await Promise.all(
      group.map(async ({ message, delivery }) => {
        try {
          const candidate = await prepare(message, delivery, services);
          if (candidate !== 'busy') return candidate;
          failures.set(message.id, IN_HAND);
        } catch (thrown) {
          fail(message.id, thrown);
        }
        return undefined;
      }),
    );
    const candidates = prepared.filter((candidate) => candidate !== undefined);
    if (candidates.length > 0) await deliverGroup(candidates, services, fail);
  });
  await Promise.all(delivering);
  return failures;
}

/**
 * @param delivery or what is wrong with the message
 * @returns undefined where the message is dealt with already
 */
async function prepare(
  message: ReceivedMessage,
  delivery: Delivery | string,
  services: DeliverMessagesServices,
): Promise<Candidate | 'busy' | undefined> {
  if (typeof delivery === 'string') {
    services.log.error('delivery.rejected', { message_id: message.id, reason: delivery });
    return bury({ ...message, reason: delivery }, services);
  }
  const { enrichment, timed } = delivery.progress;
  // Where timers are asked, and nothing is early.
  if (enrichment.status === 'pending' || timed) return handOver(delivery, services);
  const entry = await readEntry(delivery, services);
  const timeoutSeconds = entry.integration?.timeout_seconds ?? 0;
  if (timeoutSeconds > MAX_QUEUE_TRY_SECONDS) return handOver(delivery, services);
  const claimed = await claim(delivery, entry.integration, services);
  if (claimed.verdict === 'busy') return 'busy';
  if (claimed.verdict === 'done') return undefined;
  const { hold } = claimed;
  const receiver = findReceiver(hold.delivery, entry, services);
  if ('result' in receiver) {
    await handOn(message.id, hold, { to: 'settled', ...receiver }, services);
    return undefined;
  }
  const { record } = hold;
  return { message, hold, delivery: hold.delivery, enrichment, notAfterMs: record && leaseEndMs(record), ...receiver };
}

async function deliverGroup(group: readonly Candidate[], services: DeliverMessagesServices, fail: Fail): Promise<void> {
  const [{ integration }] = group as [Candidate];
  const { passages, reported } = await tryThroughGate(integration, group, services, true);
  // Each as soon as it is known: what goes back to the queue must not wait for a batch-mate that hangs.
  const concluded = passages.map(async (passage, index) => {
    const { message, hold } = group[index] as Candidate;
    try {
      await handOn(message.id, hold, await passage, services);
    } catch (thrown) {
      fail(message.id, thrown);
    }
  });
  await Promise.all([...concluded, reported]);
}
