import type * as z from 'zod';
import type { EventType } from '../../events/event-types/event-types.ts';

/**
 * A JSON object as `parseKeepingNumbers` returns it. A number that JavaScript would write differently (`0.90`, `1e2`, a long
 * integer) is a `JSON.rawJSON`: an object that `JSON.stringify` writes as it came. `numberOf` reads either form.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** The event that a payload is composed of. */
export interface SourceEvent {
  readonly event_id: string;
  readonly event_type: EventType;
  /** ISO 8601 with an offset. */
  readonly occurred_at: string;
  /** The payload as the LMS published it. */
  readonly payload: Fields;
}

/** The warehouse's sum for one learner, course and enterprise. */
export interface KnownLearningTime {
  /** Whole seconds, 0 or more. */
  readonly totalSeconds: number;
  /** The warehouse's batch date, midnight UTC. */
  readonly lastUpdated: string;
}

/**
 * One payload format: all rules that apply to it only. `payload-formats.ts` lists the formats, and no other code names one.
 * docs/adding-a-payload-format.md describes how to add a format.
 *
 * A format composes events of types that take learning time. Other events are sent as the LMS published them.
 */
export interface PayloadFormatDefinition {
  /**
   * The payload that the partner receives. `event.payload` itself is sent byte for byte; another object keeps every number's
   * digits. If the LMS's payload has no place for the learning time, return it unchanged: `schema` rejects it.
   *
   * It must accept any value in any field, without an error: `schema` rejects what does not fit. An error dead-letters the
   * delivery, and the reason names the error but no field. Compute with `numberOf(value)`, never with the value itself.
   *
   * @param learningTime undefined if the warehouse has none, or the event is delivered without it
   * @param integration its `options`, with their defaults
   */
  compose(event: SourceEvent, learningTime: KnownLearningTime | undefined, integration: Fields): Fields;
  /** The payload that the partner receives; other fields are allowed. Messages name fields and must not repeat values. */
  readonly schema: z.ZodObject;
  /** The payload without learning time, if it differs from `schema`. */
  readonly schemaWithoutLearningTime?: z.ZodObject;
  /**
   * A payload of the LMS that this format accepts. The connection test sends it, so it names no learner.
   *
   * @param time UTC with seconds, `2026-01-15T12:00:00Z`
   */
  sample(time: string): Fields;
  /** Settings of the integration that this format takes, by name, each optional or with a default. */
  readonly options?: Readonly<Record<string, z.ZodType>>;
}
