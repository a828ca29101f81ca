import type { Delivery } from '../events/delivery.ts';
import { messageToken } from '../events/identity.ts';
import { waiting } from '../events/progress.ts';
import { readDelivery } from '../events/read-delivery.ts';
import type { Workflow } from '../events/retry-workflow.ts';
import type { Lease, Ledger } from '../ledger/ports.ts';
import { leaseEndMs, leaseMs } from '../ledger/transitions.ts';
import { type Integration, MAX_QUEUE_ATTEMPT_SECONDS } from '../partners/integration.ts';
import type { Failures, ReceivedMessage } from '../shared/batch-intake.ts';
import { errorFields, errorName, QueueRefused } from '../shared/errors.ts';
import { toMessageText } from '../shared/json-text.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import type { OutgoingMessage } from '../shared/queue-message.ts';
import type { Ready } from './attempt-delivery.ts';
import { type DeadLetterServices, sendDeadLetter } from './dead-letter-messages.ts';
import { type FindReceiverServices, findReceiver, lookUpIntegration } from './find-receiver.ts';
import { attemptWithinLimits, type LimitedAttemptsServices, type LimitedOutcome } from './limited-attempts.ts';
import { parkedWithoutLedger } from './parking.ts';
import { type DeliveryOutcome, settle } from './settle.ts';

export interface DeliverMessagesServices extends FindReceiverServices, LimitedAttemptsServices, DeadLetterServices {
  readonly ledger: Ledger;
  readonly workflow: Workflow;
  /** Sends messages to the deliveries queue again. @returns the ids of those that SQS refused */
  defer(messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
}

/** A message whose delivery is claimed and can be attempted. */
interface Candidate extends Ready {
  readonly message: ReceivedMessage;
  readonly lease: Lease;
  readonly integration: Integration;
}

/** Why a message stays in the queue although nothing failed. */
const CLAIMED_ELSEWHERE = 'another function has claimed it';

/** Delay added to a follow-up that is due immediately, so that the ledger write lands before it runs, in milliseconds. */
const LEDGER_WRITE_MS = 1000;

/** SQS's longest delay of a message, in seconds. Longer waits are left to the workflow. */
const MAX_DELAY_SECONDS = 900;

/** Records why a message stays in the queue. */
type Fail = (id: string, thrown: unknown) => void;

/**
 * Delivers a batch. The deliveries of one integration ask its limiter in one call, and no integration waits for another's
 * claims. Deliveries that must wait go back to the queue or to the workflow, and failed ones to the dead letter queue; only
 * then are their messages acknowledged.
 *
 * @returns why messages stay in the queue, by message id
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
          failures.set(message.id, CLAIMED_ELSEWHERE);
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
 * Claims the delivery of a message.
 *
 * @param delivery the delivery, or why the message is invalid
 * @returns undefined if the message needs nothing more
 */
async function prepare(
  message: ReceivedMessage,
  delivery: Delivery | string,
  services: DeliverMessagesServices,
): Promise<Candidate | 'busy' | undefined> {
  if (typeof delivery === 'string') {
    services.log.error('delivery.rejected', { message_id: message.id, reason: delivery });
    return sendDeadLetter({ ...message, reason: delivery }, services);
  }
  const { enrichment, timed } = delivery.progress;
  // Only the workflow's task reads timers, and the workflow waits until the scheduled time.
  if (enrichment.status === 'pending' || timed) return handOver(delivery, services);
  const lookup = await lookUpIntegration(delivery, services);
  const timeoutSeconds = lookup.integration?.timeout_seconds ?? 0;
  if (timeoutSeconds > MAX_QUEUE_ATTEMPT_SECONDS) return handOver(delivery, services);
  const claimed = await services.ledger.claim(delivery, leaseMs(timeoutSeconds * 1000));
  if (claimed.verdict === 'busy') return 'busy';
  if (claimed.verdict === 'done') return undefined;
  const { lease } = claimed;
  const receiver = findReceiver(lease.delivery, lookup, services);
  if ('result' in receiver) {
    await passOn(message.id, lease, { to: 'settle', ...receiver }, services);
    return undefined;
  }
  const { record } = lease;
  return {
    message,
    lease,
    delivery: lease.delivery,
    enrichment,
    notAfterMs: record && leaseEndMs(record),
    ...receiver,
  };
}

/** Hands an unclaimed delivery to the workflow, due immediately or at its scheduled time. Its first attempt claims it. */
async function handOver(delivery: Delivery, { workflow, ledger, now }: DeliverMessagesServices): Promise<undefined> {
  const { timed, due_at } = delivery.progress;
  const progress = { ...delivery.progress, due_at: timed && due_at !== null ? due_at : new Date(now()).toISOString() };
  const { token } = await workflow.start({ ...delivery, progress });
  await ledger.settleUnclaimed(delivery, { progress: { ...progress, outcome: 'retry' }, token });
}

async function deliverGroup(group: readonly Candidate[], services: DeliverMessagesServices, fail: Fail): Promise<void> {
  const [{ integration }] = group as [Candidate];
  const { outcomes, reported } = await attemptWithinLimits(integration, group, services, true);
  // Each outcome is handled as soon as it is known, and does not wait for another attempt that hangs.
  const passedOn = outcomes.map(async (outcome, index) => {
    const { message, lease } = group[index] as Candidate;
    try {
      await passOn(message.id, lease, await outcome, services);
    } catch (thrown) {
      fail(message.id, thrown);
    }
  });
  await Promise.all([...passedOn, reported]);
}

/**
 * Passes a claimed delivery on according to its outcome, then settles it. The message or execution that carries it, or its
 * dead-letter message, is created before the ledger write: if the function is killed in between, the lease ends and nothing is
 * lost.
 *
 * @returns when its message may be acknowledged
 * @throws QueueRefused, or the workflow's error, if nothing carries the delivery on
 */
async function passOn(id: string, lease: Lease, outcome: LimitedOutcome, services: DeliverMessagesServices) {
  if (outcome.to === 'settle') return finish(id, lease, outcome, services);
  const { delivery } = lease;
  const { now, counter, defer } = services;
  if (outcome.to === 'workflow') {
    const result = waiting(delivery, 'the endpoint is slow', now() + LEDGER_WRITE_MS, outcome.slot);
    return carryOn(lease, { result }, services);
  }
  counter.count(METRICS.deliveryDeferred);
  const { attempted } = outcome;
  const result = waiting(delivery, outcome.reason, outcome.atMs, outcome.slot);
  const delaySeconds = Math.max(0, Math.floor((outcome.atMs - now()) / 1000));
  if (delaySeconds > MAX_DELAY_SECONDS) return carryOn(lease, { result, attempted }, services);
  const progress = { ...result, deferrals: (delivery.progress.deferrals ?? 0) + 1 };
  const token = messageToken({ ...delivery, progress });
  const body = toMessageText({ ...delivery, token, progress });
  const refused = await defer([{ id, body, groupId: delivery.integration_id, delaySeconds }]);
  if (refused.size > 0) throw new QueueRefused('the deliveries queue refused the deferred message');
  await settle(lease, { result: progress, attempted }, token, services);
}

async function finish(id: string, lease: Lease, outcome: DeliveryOutcome, services: DeliverMessagesServices) {
  const { delivery } = lease;
  const { redrive, ...progress } = outcome.result;
  if (progress.outcome === 'retry') return carryOn(lease, outcome, services);
  if (redrive !== undefined) {
    const { integration_id: integrationId, webhook_id: webhookId } = delivery;
    const body = toMessageText({ ...delivery, ...redrive });
    const message = { id, body, reason: progress.reason ?? 'unknown', integrationId, webhookId };
    await sendDeadLetter(message, services);
  }
  const isRecorded = await settle(lease, outcome, undefined, services);
  if (progress.outcome !== 'parked' || isRecorded) return;
  await carryOn(lease, { result: parkedWithoutLedger(delivery, progress.parked_for, services) }, services);
}

/** Starts the execution that carries a claimed delivery on. */
async function carryOn(lease: Lease, outcome: DeliveryOutcome, services: DeliverMessagesServices): Promise<void> {
  const { redrive: _, ...progress } = outcome.result;
  const { token } = await services.workflow.start({ ...lease.delivery, progress });
  await settle(lease, outcome, token, services);
}
