import { faultsOf } from '../shared/faults.ts';
import type { LmsEvent } from './event.ts';
import type { Kind } from './event-types/event-type.ts';
import { definitionOfType, kindNamed, kindOfEvent } from './event-types/event-types.ts';

/** What an event's type says of it. */
export interface EventKind {
  /** By name; absent where its type has one kind only. */
  readonly kind?: string;
  /** As it stands in the payload, of any type. */
  readonly userId: unknown;
  /** When it is to be sent, in ISO 8601 and UTC; absent where it does not wait. */
  readonly sendAt?: string;
}

/** @returns what is wrong with the event, in words that name fields and never their values */
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
    return `${event.send_at === undefined ? 'delay_minutes' : 'send_at'}: ${name} is sent at once`;
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

/** A delay counts from the acceptance where the publisher's clock is ahead: it is never longer than it says. */
function sendAtOf(event: LmsEvent, { defaultDelayMinutes }: NonNullable<Kind['timer']>, acceptedMs: number): string {
  const { send_at, delay_minutes = defaultDelayMinutes, occurred_at } = event;
  const fromMs = Math.min(Date.parse(occurred_at), acceptedMs);
  const atMs = send_at === undefined ? fromMs + delay_minutes * 60_000 : Date.parse(send_at);
  return new Date(Math.round(atMs)).toISOString();
}
