import { createHash } from 'node:crypto';
import type { Delivery, Progress } from './delivery.ts';

/** Hashes a list as JSON, so that different lists never have the same text. */
function sha256Hex(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * Derives the id of an event that the LMS published without one. Publishing the same content twice yields one event; a
 * retake with another grade or time yields another.
 */
export function derivedEventId(integrationId: string, eventType: string, occurredAt: string, payload: string): string {
  return sha256Hex([integrationId, eventType, occurredAt, payload]);
}

/**
 * The `webhook-id` of a delivery: one event for one integration, over all attempts and resends. It has no `.`, the
 * separator of Standard Webhooks. 160 bits of the hash keep it short enough for operators.
 */
export function webhookId(integrationId: string, eventId: string): string {
  return `wh_${sha256Hex([integrationId, eventId]).slice(0, 40)}`;
}

/** The key of a user's timer in the ledger's table. It is hashed, so that it does not reveal the user's id. */
export function timerKey(integrationId: string, eventType: string, userId: string): string {
  return `timer_${sha256Hex([integrationId, eventType, userId]).slice(0, 40)}`;
}

/** The fields that identify a step of a delivery. */
export type Step = Pick<Delivery, 'generation'> & { readonly progress: Pick<Progress, 'attempt' | 'deferrals'> };

/**
 * The token that identifies a delivery's execution in the ledger. It is derived, so that a start repeated after a crash
 * finds the same execution. It differs for each generation, attempt and deferral, since Step Functions refuses the name of
 * a closed execution for 90 days.
 */
export function executionToken({ generation, progress: { attempt, deferrals = 0 } }: Step): string {
  return `g${generation}${attempt > 0 ? `-a${attempt}` : ''}${deferrals > 0 ? `-d${deferrals}` : ''}`;
}

/** The token that identifies a message in the ledger, if it was sent to the deliveries queue again. */
export function messageToken(step: Step): string {
  return `${executionToken(step)}-m`;
}

/**
 * Whether a token belongs to a later step than another: by generation, attempt, deferral, and then by the handover from a
 * message to an execution. If the ledger missed an outcome, the token in the ledger is the earlier one.
 */
export function isFurther(token: string, other: string): boolean {
  const [one, two] = [stepOf(token), stepOf(other)];
  if (one === undefined || two === undefined) return false;
  const differs = one.findIndex((value, index) => value !== two[index]);
  return differs !== -1 && (one[differs] as number) > (two[differs] as number);
}

function stepOf(token: string): readonly number[] | undefined {
  const [, generation, attempt = '0', deferrals = '0', message] = TOKEN.exec(token) ?? [];
  if (generation === undefined) return undefined;
  return [Number(generation), Number(attempt), Number(deferrals), message === undefined ? 1 : 0];
}

const TOKEN = /^g(\d+)(?:-a(\d+))?(?:-d(\d+))?(-m)?$/;

/** The name of an execution; Step Functions allows 80 characters of `0-9A-Za-z_-`. */
export function executionName(webhook: string, token: string): string {
  return `${webhook}-${token}`;
}

/**
 * The name of the execution that rescues a failed execution's delivery. It is derived, so that Step Functions refuses the
 * second start if both the EventBridge rule and the sweep start it. A failed rescue is rescued again, at most three times.
 *
 * @returns undefined if no further rescue may be started
 */
export function rescueName(failedName: string): string | undefined {
  const [, base = failedName, made = ''] = /^(.*)-rescue([123])$/.exec(failedName) ?? [];
  const next = Number(made || 0) + 1;
  return next > 3 ? undefined : `${base.slice(0, 70)}-rescue${next}`;
}
