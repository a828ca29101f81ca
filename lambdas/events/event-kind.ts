import { faultsOf } from '../shared/faults.ts';
import type { LmsEvent } from './event.ts';
import type { Kind } from './event-types/event-type.ts';
import { definitionOfType, kindNamed, kindOfEvent } from './event-types/event-types.ts';

/** What the rules of an event's type yield. */
export interface EventKind {
  /** The kind's name; absent if the type has no kinds. */
  readonly kind?: string;
  /** The user id in the payload, unvalidated. */
  readonly userId: unknown;
  /** The scheduled time, ISO 8601 in UTC; absent if the event is sent immediately. */
  readonly sendAt?: string;
}

/** @returns the kind, or why the event is invalid; the reason names fields, never their values */
export function readKind(event: LmsEvent, acceptedMs: number): EventKind | string {
  const { payload } = event;
  const { payload: schema, userIdAt } = definitionOfType(event.event_type);
  const fault = faultIn(schema, payload);
  if (fault !== undefined) return fault;
  const name = kindOfEvent(event.event_type, payload);
  const kind = kindNamed(name);
  const faultOfKind = faultIn(kind.payload, payload);
  if (faultOfKind !== undefined) return faultOfKind;
  if (kind.timer === undefined && (event.send_at !== undefined || event.delay_minutes !== undefined)) {
    return `${event.send_at === undefined ? 'delay_minutes' : 'send_at'}: ${name} is sent immediately`;
  }
  return {
    ...(name !== event.event_type && { kind: name }),
    userId: userIdAt.reduce<unknown>((value, field) => (value as Fields | null | undefined)?.[field], payload),
    ...(kind.timer !== undefined && { sendAt: sendAtOf(event, kind.timer, acceptedMs) }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function faultIn(schema: Kind['payload'], payload: Fields): string | undefined {
  const read = schema?.safeParse(payload);
  return read?.success === false ? faultsOf(read.error, 'payload', ['payload']) : undefined;
}

/** If the publisher's clock is ahead, a delay counts from the acceptance, so that it is never longer than requested. */
function sendAtOf(event: LmsEvent, { defaultDelayMinutes }: NonNullable<Kind['timer']>, acceptedMs: number): string {
  const { send_at, delay_minutes = defaultDelayMinutes, occurred_at } = event;
  const fromMs = Math.min(Date.parse(occurred_at), acceptedMs);
  const atMs = send_at === undefined ? fromMs + delay_minutes * 60_000 : Date.parse(send_at);
  return new Date(Math.round(atMs)).toISOString();
}
