import { attributeText } from '../shared/text.ts';
import type { Delivery, DeliverySubject, Enrichment, Outcome, Progress, Redrive, TaskResult } from './delivery.ts';
import { MAX_REASON_CHARACTERS } from './delivery.ts';
import type { DeadReason } from './operational-event.ts';

/**
 * Creates a delivery before its first attempt.
 *
 * @param configVersion the version of the flag that decided on the enrichment
 */
export function newDelivery(
  subject: DeliverySubject,
  enrichment: Enrichment,
  { dueAt, configVersion }: { readonly dueAt?: Date; readonly configVersion?: string } = {},
): Delivery {
  const decision = decisionOf({ enrichment, config_version: configVersion });
  const due_at = dueAt?.toISOString() ?? subject.send_at ?? null;
  return { ...subject, progress: { ...decision, attempt: 0, due_at, ...(subject.send_at !== undefined && TIMED) } };
}

const TIMED = { timed: true } as const;

/** The fields that all attempts keep: the enrichment, and the version of the flag that decided on it. */
export function decisionOf({
  enrichment,
  config_version,
}: {
  readonly enrichment: Enrichment;
  readonly config_version?: string | undefined;
}): Pick<Progress, 'enrichment' | 'config_version'> {
  return { enrichment, ...(config_version !== undefined && { config_version }) };
}

/**
 * The enrichment of a delivery whose learning time the workflow must look up. One attempt counts as made.
 *
 * @param sinceMs when the first attempt failed; the current time if none was made. Epoch milliseconds
 */
export function pendingEnrichment(sinceMs: number): Enrichment {
  return { status: 'pending', attempts: 1, first_failed_at: new Date(sinceMs).toISOString() };
}

/**
 * The fields in which a dead-letter message differs from its delivery. The message is a new delivery for the deliveries
 * queue, so that SQS can redrive it there, and its generation is the next one, so that the workflow accepts it again.
 */
export function redriveOf(delivery: Delivery): Redrive {
  const decision = decisionOf(delivery.progress);
  return { generation: delivery.generation + 1, progress: { ...decision, attempt: 0, due_at: null } };
}

/**
 * The result for a delivery that failed permanently.
 *
 * @param reason for the operator
 * @param deadReason for the operational event; absent if the ledger has the delivery as dead already
 */
export function dead(delivery: Delivery, attempt: number, reason: string, deadReason?: DeadReason): TaskResult {
  const { due_at } = delivery.progress;
  return {
    ...decisionOf(delivery.progress),
    attempt,
    due_at,
    outcome: 'dead',
    reason: attributeText(reason, MAX_REASON_CHARACTERS),
    ...(deadReason !== undefined && { dead_reason: deadReason }),
    redrive: redriveOf(delivery),
  };
}

/** The progress with an outcome other than `dead`. @param dueAt only if the delivery waits */
export function withOutcome(
  delivery: Delivery,
  attempt: number,
  outcome: Exclude<Outcome, 'dead'>,
  reason: string,
  dueAt?: Date,
): Progress {
  const { due_at, deferrals, timed, earlier_attempts } = delivery.progress;
  return {
    ...decisionOf(delivery.progress),
    attempt,
    due_at: dueAt?.toISOString() ?? due_at,
    outcome,
    ...(timed && TIMED),
    ...(earlier_attempts !== undefined && { earlier_attempts }),
    ...(deferrals !== undefined && { deferrals }),
    reason: attributeText(reason, MAX_REASON_CHARACTERS),
  };
}

/** The progress of a delivery whose attempts failed, and which starts its second round at `dueAt`. */
export function secondRound(delivery: Delivery, attempt: number, reason: string, dueAt: Date): Progress {
  return { ...withOutcome(delivery, attempt, 'retry', reason, dueAt), earlier_attempts: attempt };
}

/** A delivery's slot in its integration's rate, kept until its next attempt. */
export type Slot = Pick<Progress, 'reserved_for' | 'queue_position' | 'throttled_since'>;

/**
 * The progress of a delivery that waits without spending an attempt.
 *
 * @param slot the slot reserved for it by the integration's limiter
 */
export function waiting(delivery: Delivery, reason: string, untilMs: number, slot: Slot = {}): Progress {
  const { attempt, park_count, throttled_since } = delivery.progress;
  return {
    ...withOutcome(delivery, attempt, 'retry', reason, new Date(untilMs)),
    ...(park_count !== undefined && { park_count }),
    ...(throttled_since !== undefined && { throttled_since }),
    ...slot,
  };
}
