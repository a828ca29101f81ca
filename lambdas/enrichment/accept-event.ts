import { type DeliverySubject, MAX_REASON_CHARACTERS, MAX_WORKFLOW_INPUT_BYTES } from '../events/delivery.ts';
import { courseIdSchema, enterpriseIdSchema, eventSchema, type LmsEvent, MAX_EVENT_BYTES } from '../events/event.ts';
import type { Kind } from '../events/event-types/event-type.ts';
import { definitionOfType, hasTimers, kindNamed, kindOfEvent } from '../events/event-types/event-types.ts';
import { derivedEventId, webhookId } from '../events/identity.ts';
import { readTraceparent } from '../events/trace-context.ts';
import { waitFault } from '../ledger/timer-rules.ts';
import { type IntegrationRegistry, route } from '../partners/integration-registry.ts';
import { faultsOf } from '../shared/faults.ts';
import { isRecord, parseJson } from '../shared/json.ts';
import { parseKeepingNumbers, toMessageText } from '../shared/json-text.ts';
import { truncate } from '../shared/text.ts';

/**
 * The verdict on a message of the events queue. `accepted`: a delivery for one integration. `rejected`: dead-lettered, with the
 * reason. `filtered`: recorded and acknowledged. `held`: its integration's entry is broken, so it stays in the queue.
 */
export type Acceptance =
  | ({ readonly verdict: 'accepted'; readonly subject: DeliverySubject } & IgnoredTrace)
  | { readonly verdict: 'filtered'; readonly subject: DeliverySubject; readonly reason: string }
  /** `integrationId` is that of an existing integration. */
  | { readonly verdict: 'rejected' | 'held'; readonly reason: string; readonly integrationId?: string };

interface IgnoredTrace {
  /** Whether the publisher gave a `traceparent`, and no valid one. */
  readonly isTraceIgnored?: true;
}

/** What the rules of an event's type yield. */
interface EventKind {
  /** The kind's name; absent if the type has no kinds. */
  readonly kind?: string;
  /** The user id in the payload, unvalidated. */
  readonly userId: unknown;
  /** The scheduled time, ISO 8601 in UTC; absent if the event is sent immediately. */
  readonly sendAt?: string;
}

/** Far above any real payload, and far below the depth at which recursion overflows the stack, here or in a later function. */
const MAX_PAYLOAD_LEVELS = 200;

/** Room for the progress with which a workflow starts. */
const STARTING_PROGRESS_BYTES = 1024;

/**
 * Reads one message of the events queue and finds its integration. Reasons name fields and never their values, because they
 * appear in logs and message attributes.
 *
 * @param acceptedMs now, in epoch milliseconds: delays start here
 * @param traceAttribute the value of the message attribute `traceparent`
 */
export function acceptEvent(
  body: string,
  registry: IntegrationRegistry,
  acceptedMs: number,
  traceAttribute?: string,
): Acceptance {
  const bytes = Buffer.byteLength(body);
  if (bytes > MAX_EVENT_BYTES) return rejected(`too large: ${bytes} bytes, at most ${MAX_EVENT_BYTES} are accepted`);
  const event = readEvent(body);
  if (typeof event === 'string') return rejected(event);
  const kind = readKind(event, acceptedMs);
  if (typeof kind === 'string') return rejected(kind);

  const enterpriseId = event.enterprise_customer_uuid ?? enterpriseOf(event.payload);
  const destination = route(event, enterpriseId, registry);
  if (destination.to === 'none' && destination.verdict !== 'filtered') {
    const verdict = destination.verdict === 'broken' ? 'held' : 'rejected';
    const { reason, id } = destination;
    return { verdict, reason, ...(id !== undefined && { integrationId: id }) };
  }
  const payload = payloadText(body);
  if (payload === undefined)
    return rejected(`payload nests too deeply: at most ${MAX_PAYLOAD_LEVELS} levels are accepted`);
  const integrationId = destination.to === 'none' ? destination.id : destination.integration.id;
  const owner = registry.byId.get(integrationId)?.enterprise_customer_uuid;
  const trace = traceOf(event, traceAttribute);
  const subject = { ...toSubject(event, kind, integrationId, enterpriseId ?? owner, payload), ...trace.context };
  const inputBytes = Buffer.byteLength(toMessageText(subject)) + STARTING_PROGRESS_BYTES;
  if (inputBytes > MAX_WORKFLOW_INPUT_BYTES) {
    return rejected(`too large: ${inputBytes} bytes as a workflow input, at most ${MAX_WORKFLOW_INPUT_BYTES} fit`);
  }
  if (destination.to === 'none') return { verdict: 'filtered', subject, reason: destination.reason };
  const waitsTooLong = waitFault(subject, acceptedMs);
  if (waitsTooLong !== undefined) return rejected(waitsTooLong);
  return { verdict: 'accepted', subject, ...(trace.isIgnored && { isTraceIgnored: true }) };
}

/**
 * The trace context of an event: its own field, else the message attribute. The publisher sets the field for this event,
 * while a tracing library sets the attribute for whatever sends the message, such as a job that empties an outbox.
 */
function traceOf(event: LmsEvent, attribute: string | undefined) {
  const given = [event.traceparent, attribute].filter((value) => value !== undefined && value !== null);
  const traceparent = given.map(readTraceparent).find((read) => read !== undefined);
  return { context: traceparent !== undefined && { traceparent }, isIgnored: given.length > 0 && !traceparent };
}

function rejected(reason: string): Acceptance {
  return { verdict: 'rejected', reason: truncate(reason, MAX_REASON_CHARACTERS) };
}

/** @returns the event, or why it is invalid */
function readEvent(body: string): LmsEvent | string {
  const value = parseJson(body);
  if (value === undefined) return 'not JSON';
  if (!isRecord(value)) return 'not a JSON object';
  const result = eventSchema.safeParse(value);
  if (result.success) return result.data;
  return faultsOf(result.error, 'event');
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

function payloadText(body: string): string | undefined {
  try {
    const { payload } = parseKeepingNumbers(body) as { payload: unknown };
    return nestsDeeperThan(MAX_PAYLOAD_LEVELS, payload) ? undefined : toMessageText(payload);
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

function nestsDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => nestsDeeperThan(levels - 1, inner));
}

function toSubject(
  event: LmsEvent,
  { kind, userId: userIdInPayload, sendAt }: EventKind,
  integrationId: string,
  enterpriseId: string | undefined,
  payload: string,
): DeliverySubject {
  const eventId = event.event_id ?? derivedEventId(integrationId, event.event_type, event.occurred_at, payload);
  // An event type with timers prefers the user id in the payload, which is validated: two sources could set two timers.
  const userId = warehouseUserId(
    hasTimers(event.event_type) ? (userIdInPayload ?? event.user_id) : (event.user_id ?? userIdInPayload),
  );
  const courseId = event.course_id ?? courseOf(event.payload);
  return {
    schema_version: 1,
    webhook_id: webhookId(integrationId, eventId),
    event_id: eventId,
    event_type: event.event_type,
    ...(kind !== undefined && { kind }),
    integration_id: integrationId,
    occurred_at: event.occurred_at,
    ...(sendAt !== undefined && { send_at: sendAt }),
    generation: 0,
    ...(userId !== undefined && { user_id: userId }),
    ...(courseId !== undefined && { course_id: courseId }),
    ...(enterpriseId !== undefined && { enterprise_customer_uuid: enterpriseId }),
    payload,
  };
}

/**
 * A user id as the warehouse's INTEGER column stores it.
 *
 * @returns undefined for a username, a fraction, or a number that is too large to be exact in JSON
 */
export function warehouseUserId(userId: unknown): string | undefined {
  if (typeof userId === 'number') return Number.isSafeInteger(userId) && userId >= 0 ? String(userId) : undefined;
  return typeof userId === 'string' && /^\d{1,18}$/.test(userId) ? userId : undefined;
}

function enterpriseOf(payload: LmsEvent['payload']): string | undefined {
  const id = enterpriseIdSchema.safeParse(field(payload, 'enterprise', 'enterprise_customer_uuid'));
  return id.success ? id.data : undefined;
}

function courseOf(payload: LmsEvent['payload']): string | undefined {
  const id = courseIdSchema.safeParse(field(payload, 'course', 'course_id'));
  return id.success ? id.data : undefined;
}

function field(payload: LmsEvent['payload'], object: string, name: string): unknown {
  return (payload[object] as Record<string, unknown> | null | undefined)?.[name];
}
