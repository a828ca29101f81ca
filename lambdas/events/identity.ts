import { createHash } from 'node:crypto';
import type { Delivery, Progress } from './delivery.ts';

/** Lists are hashed as JSON, so that no two different lists of parts share a text. */
function sha256Hex(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * The id of an event that the LMS gave none: the same publication twice is one event, a retake with a better grade (or
 * at another moment) is another.
 */
export function derivedEventId(integrationId: string, eventType: string, occurredAt: string, payload: string): string {
  return sha256Hex([integrationId, eventType, occurredAt, payload]);
}

/**
 * One webhook: one event for one integration, over all its tries and re-entries. No `.`, which Standard Webhooks uses
 * as a separator; 160 bits of the hash, because ids are read aloud and pasted at night.
 */
export function webhookId(integrationId: string, eventId: string): string {
  return `wh_${sha256Hex([integrationId, eventId]).slice(0, 40)}`;
}

/** What the ledger's table knows a user's timer by: it says nobody's id. */
export function timerKey(integrationId: string, eventType: string, userId: string): string {
  return `timer_${sha256Hex([integrationId, eventType, userId]).slice(0, 40)}`;
}

/** How far a delivery has come, as far as a name tells it. */
export type Step = Pick<Delivery, 'generation'> & { readonly progress: Pick<Progress, 'attempt' | 'deferrals'> };

/**
 * What the ledger knows a delivery's execution by. Derived, so that whoever repeats a start after a crash finds the same
 * one; of every generation, try and deferral another, since a closed execution's name is refused for 90 days.
 */
export function executionToken({ generation, progress: { attempt, deferrals = 0 } }: Step): string {
  return `g${generation}${attempt > 0 ? `-a${attempt}` : ''}${deferrals > 0 ? `-d${deferrals}` : ''}`;
}

/** What the ledger knows a message by that was sent to the deliveries queue again. */
export function messageToken(step: Step): string {
  return `${executionToken(step)}-m`;
}

/**
 * Whether a message or execution carries a delivery further on than another one does: by generation, attempt, deferral, and
 * from a message to the execution that it was handed to. Where the ledger missed an outcome, the carrier that it names is
 * behind the one that comes.
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

/** The name under which Step Functions knows an execution: at most 80 characters of `0-9A-Za-z_-`. */
export function executionName(webhook: string, token: string): string {
  return `${webhook}-${token}`;
}

/**
 * The name under which a failed execution's input is taken to the dead letter queue. Derived, so that the rule and the
 * sweep may both try: the second start is refused. A rescue that fails is rescued again, three times at the most.
 *
 * @returns undefined where no further rescue may be started
 */
export function rescueName(failedName: string): string | undefined {
  const [, base = failedName, made = ''] = /^(.*)-rescue([123])$/.exec(failedName) ?? [];
  const next = Number(made || 0) + 1;
  return next > 3 ? undefined : `${base.slice(0, 70)}-rescue${next}`;
}
