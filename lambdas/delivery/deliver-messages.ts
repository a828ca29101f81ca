import type { Failures, ReceivedMessage } from '../adapters/batch-intake.ts';
import { type Delivery, deliverySchema, type TaskResult } from '../contract/delivery.ts';
import type { Workflow } from '../contract/delivery-ports.ts';
import { errorFields, errorName, QueueRefused } from '../contract/errors.ts';
import { MAX_QUEUE_TRY_SECONDS } from '../contract/integration.ts';
import { toMessageText } from '../domain/json-text.ts';
import { type FindReceiverServices, findReceiver } from './find-receiver.ts';
import { type TryDeliveryServices, tryDelivery } from './try-delivery.ts';

export interface DeliverMessagesServices extends FindReceiverServices, TryDeliveryServices {
  readonly workflow: Workflow;
  /** Dead-letters messages of the deliveries queue. @returns the ids of those that could not be */
  deadLetter(letters: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
}

/** A message that nobody can deliver. */
export interface DeadLetter extends ReceivedMessage {
  readonly reason: string;
  readonly integrationId?: string;
  readonly webhookId?: string;
}

/**
 * Delivers a batch, records side by side. A delivery that must wait, or whose partner is slow by its own account,
 * goes to the workflow; one that cannot succeed to the dead letter queue. Only then is its message acknowledged.
 */
export async function deliverMessages(
  messages: readonly ReceivedMessage[],
  services: DeliverMessagesServices,
): Promise<Failures> {
  const failures = new Map<string, string>();
  await Promise.all(
    messages.map(async (message) => {
      const { id } = message;
      try {
        await deliverMessage(message, services);
      } catch (thrown) {
        failures.set(id, errorName(thrown));
        services.log.error('delivery.failed', { message_id: id, ...errorFields(thrown) });
      }
    }),
  );
  return failures;
}

async function deliverMessage(message: ReceivedMessage, services: DeliverMessagesServices): Promise<void> {
  const delivery = readDelivery(message.body);
  if (typeof delivery === 'string') {
    services.log.error('delivery.rejected', { message_id: message.id, reason: delivery });
    return bury({ ...message, reason: delivery }, services);
  }
  const { enrichment } = delivery.progress;
  if (enrichment.status === 'pending') return enterWorkflow(delivery, services);
  const receiver = await findReceiver(delivery, services);
  if ('result' in receiver) return settle(message.id, delivery, receiver.result, services);
  if (receiver.integration.timeout_seconds > MAX_QUEUE_TRY_SECONDS) return enterWorkflow(delivery, services);
  return settle(
    message.id,
    delivery,
    await tryDelivery(delivery, enrichment, receiver.integration, services),
    services,
  );
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
  return result.error.issues.map((issue) => `${issue.path.join('.') || 'delivery'}: ${issue.message}`).join('; ');
}

/** Hands a delivery over as it is, due at once. */
function enterWorkflow(delivery: Delivery, { workflow, now }: DeliverMessagesServices): Promise<void> {
  const due_at = new Date(now()).toISOString();
  return workflow.start({ ...delivery, progress: { ...delivery.progress, due_at } });
}

/** Does what the result asks for; returning means that the message may be acknowledged. */
async function settle(
  id: string,
  delivery: Delivery,
  result: TaskResult,
  services: DeliverMessagesServices,
): Promise<void> {
  const { redrive, ...progress } = result;
  if (progress.outcome === 'retry') return services.workflow.start({ ...delivery, progress });
  if (redrive === undefined) return;
  const { integration_id: integrationId, webhook_id: webhookId } = delivery;
  const body = toMessageText({ ...delivery, ...redrive });
  await bury({ id, body, reason: progress.reason ?? 'unknown', integrationId, webhookId }, services);
}

async function bury(letter: DeadLetter, { deadLetter }: DeliverMessagesServices): Promise<void> {
  const refused = await deadLetter([letter]);
  if (refused.size > 0) throw new QueueRefused('the dead letter queue did not take the message');
}
