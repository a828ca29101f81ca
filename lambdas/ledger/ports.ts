import type { Delivery, DeliverySubject, Enrichment, Progress } from '../events/delivery.ts';
import type { Attempt, LedgerEvent, LedgerRecord, WebhookState } from './record.ts';
import type { Timer } from './timer.ts';

/** A claimed delivery, and its record where the ledger could be read. */
export interface Lease {
  /** In the generation of its record, which may be a later one than that of the message. */
  readonly delivery: Delivery;
  /** Undefined: the ledger did not respond, so another function may send this webhook too. */
  readonly record: LedgerRecord | undefined;
}

/** Whether a function may send a webhook. */
export type Claim =
  | { readonly verdict: 'claimed'; readonly lease: Lease }
  /** Another function holds its lease until then, in epoch milliseconds. */
  | { readonly verdict: 'busy'; readonly untilMs: number }
  /**
   * It has ended, or another message or execution carries it. `deadRecord`: its record, where this execution has recorded it as
   * dead, and may not have sent the dead-letter message.
   */
  | { readonly verdict: 'done'; readonly state: WebhookState; readonly deadRecord?: LedgerRecord };

/** How a function settles a webhook. */
export interface Settlement {
  /** Its outcome determines the state: `retry` is `scheduled`, or `parked` where the delivery was put to sleep. */
  readonly progress: Progress;
  /** Of the message or execution that carries it on, or sends its dead-letter message, and exists already. */
  readonly token?: string | undefined;
  /** The attempt, where one was made. */
  readonly attempt?: Attempt | undefined;
  /** The start of a partner's refusal. */
  readonly responseStart?: string;
}

/** `unreached`: the table did not respond, and may have taken it. */
export type TimerResult = 'written' | 'refused' | 'unreached';

/**
 * The ledger as the functions see it. It never throws: without its table deliveries go on, at least once, and outcomes wait
 * in a queue until they are settled.
 */
export interface Ledger {
  /**
   * Records events that came from the events queue.
   *
   * @returns the records of those that have ended or are carried already, by webhook id. Undefined where the table
   * did not respond
   */
  accept(subjects: readonly DeliverySubject[]): Promise<ReadonlyMap<string, LedgerRecord> | undefined>;
  /** Users' timers by their keys; absent where there is none. Undefined where they could not be read. */
  timers(keys: readonly string[]): Promise<ReadonlyMap<string, Timer> | undefined>;
  /**
   * Writes a timer, unless one of a later event stands there, or of its own: of a later publication, or a higher
   * generation. One that fired replaces that of its own event, whatever stands there.
   */
  putTimer(timer: Timer): Promise<TimerResult>;
  /** Claims a webhook for that many milliseconds. */
  claim(delivery: Delivery, leaseMs: number): Promise<Claim>;
  /**
   * Settles a claim.
   *
   * @returns whether the outcome is written, or waits in the outcomes queue. `parked` never waits there: the webhook rests in
   * the ledger, or an execution has to carry it
   */
  settle(lease: Lease, settlement: Settlement): Promise<boolean>;
  /**
   * Settles a webhook without a claim: it was handed to an execution without an attempt, or is filtered.
   *
   * @returns as `settle`
   */
  settleUnclaimed(delivery: Delivery, settlement: Settlement): Promise<boolean>;
}

/** One line of a list: what the index holds. */
export interface ListedWebhook {
  readonly webhook_id: string;
  readonly integration_id: string;
  readonly event_type: string;
  readonly accepted_at: string;
  readonly state: WebhookState;
  readonly generation: number;
  readonly attempt: number;
  /** When it entered its state. */
  readonly changed_at: string;
  readonly due_at?: string;
  readonly reason?: string;
  readonly enterprise_customer_uuid?: string;
  /** Absent where it cannot be read. */
  readonly enrichment?: Enrichment;
}

/** One integration's webhooks of one UTC day. */
export interface LedgerDay {
  readonly integrationId: string;
  /** `YYYY-MM-DD` */
  readonly day: string;
}

/** A span of time, by when webhooks were accepted, both ends included. ISO 8601, UTC, milliseconds. */
export interface Span {
  readonly from: string;
  readonly until: string;
}

/** An event as the index lists it: one for each webhook, as long as its payload is held. */
export interface ListedEvent {
  readonly webhook_id: string;
  readonly accepted_at: string;
}

/** Timers that wait. */
export interface TimerCount {
  readonly waiting: number;
  /** Of these, due already. */
  readonly overdue: number;
}

export interface CountOptions {
  /** Ends a count that takes too long. */
  readonly abortSignal?: AbortSignal;
}

/** The ledger's table. Every call throws `LedgerUnavailable` where the table does not respond. */
export interface LedgerTable {
  record(webhookId: string): Promise<LedgerRecord | undefined>;
  /** Read as it stands now, not as a replica has it. Absent where there is none. */
  records(webhookIds: readonly string[]): Promise<ReadonlyMap<string, LedgerRecord>>;
  /** Undefined where it was deleted, or has expired. */
  event(webhookId: string): Promise<LedgerEvent | undefined>;
  /** The start of the partner's last refusal, where it is still held. */
  response(webhookId: string): Promise<string | undefined>;
  /**
   * Writes a record if it is still the version before it (version 1: if there is none).
   *
   * @returns whether it was written
   */
  replace(record: LedgerRecord): Promise<boolean>;
  /** Writes whatever stands there, in one call with other writes of the same millisecond. */
  overwrite(record: LedgerRecord): Promise<void>;
  /** Writes events, and lists their integrations and days. */
  putEvents(events: readonly LedgerEvent[]): Promise<void>;
  putResponse(webhookId: string, acceptedAt: string, responseStart: string): Promise<void>;
  timers(keys: readonly string[]): Promise<ReadonlyMap<string, Timer>>;
  /** As the ledger's. @returns whether it was written */
  putTimer(timer: Timer): Promise<boolean>;
  /** How many wait, and how many of these are due. @param nowMs epoch milliseconds */
  countTimers(nowMs: number, options?: CountOptions): Promise<TimerCount>;
  /** Timers that wait and are due: at most 1,600, those due first. @param nowMs epoch milliseconds */
  overdueTimers(nowMs: number): Promise<readonly Timer[]>;
  /** Deletes event and response; the record stays. */
  forget(webhookId: string): Promise<void>;
  /** Every integration and day of which something was accepted, oldest day first. */
  days(span: Span): Promise<readonly LedgerDay[]>;
  /** Webhooks that were claimed once, in no order. `state` and `reason` (a part of it) narrow it down. */
  listRecords(
    day: LedgerDay,
    span: Span,
    filter?: { readonly states?: readonly WebhookState[]; readonly reason?: string },
  ): AsyncIterable<ListedWebhook>;
  /** Events that were accepted, in no order, whatever became of them. */
  listEvents(day: LedgerDay, span: Span): AsyncIterable<ListedEvent>;
  /** How many events were accepted. */
  countEvents(day: LedgerDay, span: Span): Promise<number>;
  /** The last ones accepted, latest first. */
  latestRecords(day: LedgerDay, atMost: number): Promise<readonly ListedWebhook[]>;
  /**
   * Every event of a learner, by reading the whole table; `report` receives how much was read. By `containing` only
   * events without a user id are found: another learner's payload may mention the same text.
   */
  eventsOf(
    learner: { readonly userId: string } | { readonly containing: string },
    report?: (itemsRead: number) => void,
  ): AsyncIterable<Pick<LedgerEvent, 'webhook_id' | 'integration_id' | 'accepted_at'>>;
}
