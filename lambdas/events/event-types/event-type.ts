import type * as z from 'zod';

/**
 * One event type: all rules that apply to it only. `event-types.ts` lists the types, and no other code names one.
 * docs/adding-an-event-type.md describes how to add a type.
 */
export interface EventTypeDefinition {
  /** Schema of its payload; absent if any JSON object is valid. Messages name fields, never their values. */
  readonly payload?: z.ZodType;
  /** Path of the user id in its payload, for events without a `user_id` of their own. */
  readonly userIdAt: readonly string[];
  /** What the pipeline adds to the payload. */
  readonly enrichment: 'learning_time' | 'none';
  /** Kinds with different rules, and the field of the payload that names the kind. Absent: all events have the same rules. */
  readonly kinds?: { readonly field: string; readonly byName: Readonly<Record<string, Kind>> };
  /** Rules for all events of a type without kinds. Absent: the defaults. */
  readonly rules?: Omit<Kind, 'payload'>;
}

/** The rules of one kind of event, such as `lead.hot`. */
export interface Kind {
  /** Schema of the payload, in addition to the type's schema. */
  readonly payload?: z.ZodType;
  /** Replaces the integration's retry policy. */
  readonly policy?: DeliveryPolicy;
  /** Whether an alarm pages an operator when one is dead-lettered. */
  readonly isCritical?: boolean;
  /** Events are scheduled, and a later event of the same type and user supersedes them. Absent: they are sent immediately. */
  readonly timer?: Timing;
}

/** The retry policy of one kind of event. */
export interface DeliveryPolicy {
  /** Delay before each retry, in whole seconds: one fewer than attempts. */
  readonly delaysSeconds: readonly number[];
  /** If all attempts failed, a second round of attempts starts after this delay. */
  readonly secondRoundAfterMinutes?: number;
}

/** When a scheduled event is sent. */
export interface Timing {
  /** Minutes after the event occurred, if the event sets no time. */
  readonly defaultDelayMinutes: number;
}

/** Exponential backoff: 1, 2, 4 … seconds between the attempts. @param attempts 1 or more */
export function doublingFromOneSecond(attempts: number): DeliveryPolicy {
  return { delaysSeconds: Array.from({ length: attempts - 1 }, (_, index) => 2 ** index) };
}
