import type { Failures, ReceivedMessage } from '../adapters/batch-intake.ts';
import { type Delivery, deliverySchema, type TaskResult } from '../contract/delivery.ts';
import type { OutgoingMessage, Workflow } from '../contract/delivery-ports.ts';
import { errorFields, errorName, QueueRefused } from '../contract/errors.ts';
import { faultsOf } from '../contract/faults.ts';
import { type Integration, MAX_QUEUE_TRY_SECONDS } from '../contract/integration.ts';
import { METRICS } from '../contract/metrics.ts';
import { toMessageText } from '../domain/json-text.ts';
import { waiting } from '../domain/progress.ts';
import { type FindReceiverServices, findReceiver } from './find-receiver.ts';
import { type GatedTriesServices, type Passage, type Ready, tryThroughGate } from './gated-tries.ts';

export interface DeliverMessagesServices extends FindReceiverServices, GatedTriesServices {
  readonly workflow: Workflow;
  /** Dead-letters messages of the deliveries queue. @returns the ids of those that could not be */
  deadLetter(letters: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
  /** Sends messages to the deliveries queue again. @returns the ids of those that SQS did not take */
  defer(messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
}

/** A message that nobody can deliver. */
export interface DeadLetter extends ReceivedMessage {
  readonly reason: string;
  readonly integrationId?: string;
  readonly webhookId?: string;
}

/** A message whose delivery may be tried. */
interface Candidate extends Ready {
  readonly message: ReceivedMessage;
  readonly integration: Integration;
}

/** SQS's longest delay of a message, in seconds; what must wait longer waits in the workflow. */
const MAX_DELAY_SECONDS = 900;

/**
 * Delivers a batch: each integration's deliveries pass its gate together, and all of them side by side. What must wait
 * goes back to the queue or to the workflow, what cannot succeed to the dead letter queue; only then is its message
 * acknowledged.
 */
export async function deliverMessages(
  messages: readonly ReceivedMessage[],
  services: DeliverMessagesServices,
): Promise<Failures> {
  const failures = new Map<string, string>();
  const fail = (id: string, thrown: unknown) => {
    failures.set(id, errorName(thrown));
    services.log.error('delivery.failed', { message_id: id, ...errorFields(thrown) });
  };
  const candidates = await Promise.all(
    messages.map((message) => prepare(message, services).catch((thrown: unknown) => fail(message.id, thrown))),
  );
  const groups = Map.groupBy(
    candidates.filter((candidate) => candidate !== undefined),
    ({ integration }) => integration.id,
  );
  await Promise.all([...groups.values()].map((group) => deliverGroup(group, services, fail)));
  return failures;
}

/** @returns undefined where the message is dealt with already */
async function prepare(message: ReceivedMessage, services: DeliverMessagesServices): Promise<Candidate | undefined> {
  const delivery = readDelivery(message.body);
  if (typeof delivery === 'string') {
    services.log.error('delivery.rejected', { message_id: message.id, reason: delivery });
    return bury({ ...message, reason: delivery }, services);
  }
  const { enrichment } = delivery.progress;
  if (enrichment.status === 'pending') return enterWorkflow(delivery, services);
  const receiver = await findReceiver(delivery, services);
  if ('result' in receiver) return settle(message.id, delivery, receiver.result, services);
  const { integration } = receiver;
  if (integration.timeout_seconds > MAX_QUEUE_TRY_SECONDS) return enterWorkflow(delivery, services);
  return { message, delivery, enrichment, integration };
}

/** The delivery, or what is wrong with the message. */
function readDelivery(body: string): Delivery | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'not JSON';
  }
  const result = deliverySchema.safeParse(value);
  if (result.success) return result.data;
  return faultsOf(result.error, 'delivery');
}

async function deliverGroup(
  group: readonly Candidate[],
  services: DeliverMessagesServices,
  fail: (id: string, thrown: unknown) => void,
): Promise<void> {
  const [{ integration }] = group as [Candidate];
  const { passages, reported } = await tryThroughGate(integration, group, services, true);
  // Each as soon as it is known: what goes back to the queue must not wait for a batch-mate that hangs.
  const concluded = passages.map(async (passage, index) => {
    const { message, delivery } = group[index] as Candidate;
    try {
      await conclude(message.id, delivery, await passage, services);
    } catch (thrown) {
      fail(message.id, thrown);
    }
  });
  await Promise.all([...concluded, reported]);
}

async function conclude(id: string, delivery: Delivery, passage: Passage, services: DeliverMessagesServices) {
  if (passage.to === 'settled') return settle(id, delivery, passage.result, services);
  if (passage.to === 'workflow') return enterWorkflow(delivery, services, passage.reservedForMs);
  const { atMs, reservedForMs, reason } = passage;
  services.counter.count(METRICS.deliveryDeferred);
  const progress = waiting(delivery, reason, atMs, reservedForMs);
  const delaySeconds = Math.max(0, Math.floor((atMs - services.now()) / 1000));
  if (delaySeconds > MAX_DELAY_SECONDS) return services.workflow.start({ ...delivery, progress });
  const body = toMessageText({ ...delivery, progress });
  const refused = await services.defer([{ id, body, groupId: delivery.integration_id, delaySeconds }]);
  if (refused.size > 0) throw new QueueRefused('the deliveries queue did not take the message back');
}

/** Hands a delivery over as it is, due at once. */
function enterWorkflow(delivery: Delivery, { workflow, now }: DeliverMessagesServices, reservedForMs?: number) {
  const progress = { ...delivery.progress, due_at: new Date(now()).toISOString() };
  const own = reservedForMs === undefined ? {} : { reserved_for: new Date(reservedForMs).toISOString() };
  return workflow.start({ ...delivery, progress: { ...progress, ...own } }).then(() => undefined);
}

/** Does what the result asks for; returning means that the message may be acknowledged. */
async function settle(
  id: string,
  delivery: Delivery,
  result: TaskResult,
  services: DeliverMessagesServices,
): Promise<undefined> {
  const { redrive, ...progress } = result;
  if (progress.outcome === 'retry') await services.workflow.start({ ...delivery, progress });
  if (redrive === undefined) return;
  const { integration_id: integrationId, webhook_id: webhookId } = delivery;
  const body = toMessageText({ ...delivery, ...redrive });
  await bury({ id, body, reason: progress.reason ?? 'unknown', integrationId, webhookId }, services);
}

async function bury(letter: DeadLetter, { deadLetter }: DeliverMessagesServices): Promise<undefined> {
  const refused = await deadLetter([letter]);
  if (refused.size > 0) throw new QueueRefused('the dead letter queue did not take the message');
}
