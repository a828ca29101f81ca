import type * as z from 'zod';

/**
 * One type of event: everything that the pipeline knows of it alone. `event-types.ts` lists them, and nothing else names
 * one; docs/adding-an-event-type.md says how another is added.
 */
export interface EventTypeDefinition {
  /** What its payload must look like; absent where any JSON object will do. Faults name fields and never their values. */
  readonly payload?: z.ZodType;
  /** Where in its payload its user's id stands, for events that do not say it beside the payload. */
  readonly userIdAt: readonly string[];
  /** What the pipeline adds to it. */
  readonly enrichment: 'learning_time' | 'none';
  /** Kinds with rules of their own, and the payload's field that names an event's. Absent: all of its events are alike. */
  readonly kinds?: { readonly field: string; readonly byName: Readonly<Record<string, Kind>> };
  /** What holds for all of its events, where they are alike. Absent: nothing of its own. */
  readonly rules?: Omit<Kind, 'payload'>;
}

/** What holds for one kind of event: `lead.hot`. */
export interface Kind {
  /** What its payload must have besides what all of its type have. */
  readonly payload?: z.ZodType;
  /** How it is tried, whatever its integration says of other events; absent where the integration decides. */
  readonly policy?: DeliveryPolicy;
  /** Whether somebody is woken up where one of it is given up. */
  readonly isCritical?: boolean;
  /** It waits before it is sent, and a later event of its type and user takes its place. Absent: it is sent at once. */
  readonly timer?: Timing;
}

/** How often one kind of event is tried, and when. */
export interface DeliveryPolicy {
  /** Before each retry, in whole seconds: one less than there are tries. */
  readonly delaysSeconds: readonly number[];
  /** What failed in all its tries is tried once more from the beginning, so many minutes later. */
  readonly secondRoundAfterMinutes?: number;
}

/** When an event is sent that waits. */
export interface Timing {
  /** After it occurred, in minutes, where the event itself says nothing. */
  readonly defaultDelayMinutes: number;
}

/** So many tries, and 1, 2, 4 … seconds between them. @param tries 1 or more */
export function doublingFromOneSecond(tries: number): DeliveryPolicy {
  return { delaysSeconds: Array.from({ length: tries - 1 }, (_, index) => 2 ** index) };
}
