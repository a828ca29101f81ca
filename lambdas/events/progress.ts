import { attributeText } from '../shared/text.ts';
import type { Delivery, DeliverySubject, Enrichment, Outcome, Progress, Redrive, TaskResult } from './delivery.ts';
import { MAX_REASON_CHARACTERS } from './delivery.ts';

/**
 * A delivery without an attempt, with what is known of its learning time.
 *
 * @param configVersion of the flag that decided on it
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

/** What outlasts every attempt: what is known of the learning time, and the version of the flag that decided on it. */
export function decisionOf({
  enrichment,
  config_version,
}: {
  readonly enrichment: Enrichment;
  readonly config_version?: string | undefined;
}): Pick<Progress, 'enrichment' | 'config_version'> {
  return { enrichment, ...(config_version !== undefined && { config_version }) };
}

/** Learning time that the workflow still has to find out, after a first attempt that failed, or none. */
export function pendingEnrichment(firstFailedAtMs: number): Enrichment {
  return { status: 'pending', attempts: 1, first_failed_at: new Date(firstFailedAtMs).toISOString() };
}

/**
 * How a dead delivery differs from its dead letter: the letter is a message of the deliveries queue as if new, so that
 * redriving it there works, and its generation is the next one, so that the workflow takes it again.
 */
export function redriveOf(delivery: Delivery): Redrive {
  const decision = decisionOf(delivery.progress);
  return { generation: delivery.generation + 1, progress: { ...decision, attempt: 0, due_at: null } };
}

/** The end of a delivery that cannot succeed, with its dead-letter message. */
export function dead(delivery: Delivery, attempt: number, reason: string): TaskResult {
  const { due_at } = delivery.progress;
  return {
    ...decisionOf(delivery.progress),
    attempt,
    due_at,
    outcome: 'dead',
    reason: attributeText(reason, MAX_REASON_CHARACTERS),
    redrive: redriveOf(delivery),
  };
}

/** Another outcome than death; `dueAt` only where it waits. */
export function decided(
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

/** A delivery whose attempts have failed, and which starts over. */
export function secondRound(delivery: Delivery, attempt: number, reason: string, dueAt: Date): Progress {
  return { ...decided(delivery, attempt, 'retry', reason, dueAt), earlier_attempts: attempt };
}

/**
 * A delivery that waits without having spent an attempt.
 *
 * @param reservedForMs the slot reserved for it under the integration's rate limit
 */
export function waiting(delivery: Delivery, reason: string, untilMs: number, reservedForMs?: number): Progress {
  const { attempt, park_count } = delivery.progress;
  return {
    ...decided(delivery, attempt, 'retry', reason, new Date(untilMs)),
    ...(park_count !== undefined && { park_count }),
    ...(reservedForMs !== undefined && { reserved_for: new Date(reservedForMs).toISOString() }),
  };
}
