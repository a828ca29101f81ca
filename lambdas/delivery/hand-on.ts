import type { Delivery } from '../contract/delivery.ts';
import type { OutgoingMessage, Workflow } from '../contract/delivery-ports.ts';
import { QueueRefused } from '../contract/errors.ts';
import type { Hold } from '../contract/ledger-ports.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { messageToken } from '../domain/identity.ts';
import { toMessageText } from '../domain/json-text.ts';
import { waiting } from '../domain/progress.ts';
import { asleepAgain } from '../domain/sleep.ts';
import type { ClaimServices } from './claim.ts';
import { bury, type DeadLetterServices } from './dead-letters.ts';
import type { Passage } from './gated-tries.ts';
import { settle, type Told } from './settle.ts';

export interface HandOnServices extends ClaimServices, DeadLetterServices {
  readonly workflow: Workflow;
  /** Sends messages to the deliveries queue again. @returns the ids of those that SQS did not take */
  defer(messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
  readonly counter: Counter;
  now(): number;
  random(): number;
}

/** So much later than at once is due what is handed over after a claim: the ledger must know of it by then. */
const HANDOVER_MS = 1000;

/** SQS's longest delay of a message, in seconds; what must wait longer waits in the workflow. */
const MAX_DELAY_SECONDS = 900;

/**
 * Hands a delivery that nobody claimed to the workflow, as it is, due at once, or when it waits for: its first try claims
 * it.
 */
export async function handOver(delivery: Delivery, { workflow, ledger, now }: HandOnServices): Promise<undefined> {
  const { timed, due_at } = delivery.progress;
  const progress = { ...delivery.progress, due_at: timed && due_at !== null ? due_at : new Date(now()).toISOString() };
  const { token } = await workflow.start({ ...delivery, progress });
  await ledger.note(delivery, { progress: { ...progress, outcome: 'retry' }, token });
}

/**
 * Does what a claimed delivery's passage asks for, and gives it free. What carries it on, or its dead letter, exists
 * before the ledger says so: whoever is killed in between leaves a claim that ends, and no gap.
 *
 * @returns when its message may be acknowledged
 * @throws QueueRefused, or what the workflow throws, where nobody would carry it on
 */
export async function handOn(id: string, hold: Hold, passage: Passage, services: HandOnServices): Promise<void> {
  if (passage.to === 'settled') return conclude(id, hold, passage, services);
  const { delivery } = hold;
  if (passage.to === 'workflow') {
    const dueAtMs = services.now() + HANDOVER_MS;
    const result = waiting(delivery, 'the endpoint is slow', dueAtMs, passage.reservedForMs);
    return carryOn(hold, { result }, services);
  }
  services.counter.count(METRICS.deliveryDeferred);
  const result = waiting(delivery, passage.reason, passage.atMs, passage.reservedForMs);
  const delaySeconds = Math.max(0, Math.floor((passage.atMs - services.now()) / 1000));
  if (delaySeconds > MAX_DELAY_SECONDS) return carryOn(hold, { result }, services);
  const progress = { ...result, deferrals: (delivery.progress.deferrals ?? 0) + 1 };
  const token = messageToken({ ...delivery, progress });
  const body = toMessageText({ ...delivery, token, progress });
  const refused = await services.defer([{ id, body, groupId: delivery.integration_id, delaySeconds }]);
  if (refused.size > 0) throw new QueueRefused('the deliveries queue did not take the message back');
  await settle(hold, { result: progress }, token, services);
}

async function conclude(id: string, hold: Hold, told: Told, services: HandOnServices): Promise<void> {
  const { delivery } = hold;
  const { redrive, ...progress } = told.result;
  if (progress.outcome === 'retry') return carryOn(hold, told, services);
  if (redrive !== undefined) {
    const { integration_id: integrationId, webhook_id: webhookId } = delivery;
    const body = toMessageText({ ...delivery, ...redrive });
    await bury({ id, body, reason: progress.reason ?? 'unknown', integrationId, webhookId }, services);
  }
  const isWritten = await settle(hold, told, undefined, services);
  if (progress.outcome !== 'parked' || isWritten) return;
  const parking = { cause: progress.parked_for ?? 'paused', why: 'the ledger does not answer' } as const;
  return carryOn(hold, { result: asleepAgain(delivery, parking, services.now(), services.random) }, services);
}

async function carryOn(hold: Hold, told: Told, services: HandOnServices): Promise<void> {
  const { redrive: _, ...progress } = told.result;
  const { token } = await services.workflow.start({ ...hold.delivery, progress });
  await settle(hold, told, token, services);
}
