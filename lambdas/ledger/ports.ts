import type { Delivery, DeliverySubject, Enrichment, Progress } from '../events/delivery.ts';
import type { Attempt, DeliveryState, LedgerEvent, LedgerRecord } from './record.ts';
import type { Timer } from './timer.ts';

/** A claimed delivery, and its record if the ledger could be read. */
export interface Lease {
  /** In the generation of its record, which may be later than that of the message. */
  readonly delivery: Delivery;
  /** Undefined if the ledger did not respond: another function may send this delivery too. */
  readonly record: LedgerRecord | undefined;
}

/** Whether a function may send a delivery. */
export type Claim =
  | { readonly verdict: 'claimed'; readonly lease: Lease }
  /** Another function holds its lease until then, in epoch milliseconds. */
  | { readonly verdict: 'busy'; readonly untilMs: number }
  /**
   * The delivery has ended, or another message or execution carries it. `deadRecord` is set if this execution recorded
   * it as dead, and may not have sent the dead-letter message.
   */
  | { readonly verdict: 'done'; readonly state: DeliveryState; readonly deadRecord?: LedgerRecord };

/** How a function settles a delivery. */
export interface Settlement {
  /** Its outcome determines the state. `retry` means `scheduled`, or `parked` if `park_count` is above 0. */
  readonly progress: Progress;
  /** Of the message or execution, already created, that carries the delivery on or sends its dead-letter message. */
  readonly token?: string | undefined;
  /** Absent if no attempt was made. */
  readonly attempt?: Attempt | undefined;
  /** Start of the response body, if the partner refused the webhook. */
  readonly responseStart?: string;
}

/** `unreached`: the table did not respond, and may have written the timer. */
export type TimerResult = 'written' | 'refused' | 'unreached';

/**
 * The ledger's interface for functions. It never throws: while the table is unavailable, deliveries continue at least
 * once, and outcomes wait in a queue until they are settled.
 */
export interface Ledger {
  /**
   * Records events from the events queue.
   *
   * @returns the records of deliveries that have ended or are already carried, by webhook id; undefined if the table
   * did not respond
   */
  accept(subjects: readonly DeliverySubject[]): Promise<ReadonlyMap<string, LedgerRecord> | undefined>;
  /** Timers by their keys, without those that do not exist. Undefined if they could not be read. */
  timers(keys: readonly string[]): Promise<ReadonlyMap<string, Timer> | undefined>;
  /**
   * Writes a timer, unless the stored one is of a later event, or of the same event in a later publication or a higher
   * generation. A fired timer always replaces that of the same event.
   */
  putTimer(timer: Timer): Promise<TimerResult>;
  /** Claims a delivery for `leaseMs` milliseconds. */
  claim(delivery: Delivery, leaseMs: number): Promise<Claim>;
  /**
   * Settles a claim.
   *
   * @returns whether the outcome was written, or is in the outcomes queue. `parked` is never queued: either the ledger
   * stores the parked delivery, or an execution has to carry it
   */
  settle(lease: Lease, settlement: Settlement): Promise<boolean>;
  /**
   * Settles a delivery without a claim: it was handed to an execution without an attempt, or it is filtered.
   *
   * @returns see `settle`
   */
  settleUnclaimed(delivery: Delivery, settlement: Settlement): Promise<boolean>;
}

/** One entry of a list, with the attributes of the index. */
export interface ListedDelivery {
  readonly webhook_id: string;
  readonly integration_id: string;
  readonly event_type: string;
  readonly accepted_at: string;
  readonly state: DeliveryState;
  readonly generation: number;
  readonly attempt: number;
  /** When it entered its state. */
  readonly changed_at: string;
  readonly due_at?: string;
  readonly reason?: string;
  readonly enterprise_customer_uuid?: string;
  /** Absent if it cannot be read. */
  readonly enrichment?: Enrichment;
}

/** One integration's deliveries of one UTC day. */
export interface LedgerDay {
  readonly integrationId: string;
  /** `YYYY-MM-DD` */
  readonly day: string;
}

/** A span of acceptance times, both ends included. ISO 8601, UTC, with milliseconds. */
export interface Span {
  readonly from: string;
  readonly until: string;
}

/** An event in the index: one per delivery, until its payload expires. */
export interface ListedEvent {
  readonly webhook_id: string;
  readonly accepted_at: string;
}

/** An entry of a day's list: a delivery's record, or its accepted event. */
export type DayEntry = ({ readonly kind: 'record' } & ListedDelivery) | ({ readonly kind: 'event' } & ListedEvent);

/** An entry in the list of open deliveries, which the reconciler reads in each run. */
export interface OpenEntry {
  readonly webhook_id: string;
  readonly integration_id: string;
  readonly accepted_at: string;
  /** When the delivery was accepted or reopened. One delivery may have several entries, each with another time. */
  readonly since: string;
}

/** Numbers of waiting timers. */
export interface TimerCount {
  readonly waiting: number;
  /** How many of these are due. */
  readonly overdue: number;
}

/** What functions do with the ledger's table for each event. */
export type DeliveryTable = Pick<
  LedgerTable,
  'record' | 'records' | 'replace' | 'overwrite' | 'putOpen' | 'putEvents' | 'putResponse' | 'timers' | 'putTimer'
>;

export interface CountOptions {
  /** Aborts a count that takes too long. */
  readonly abortSignal?: AbortSignal;
}

/** Follows a read of many rows, of which the filter may return few. */
export interface ReadWatch {
  /** Called for each page, with the number of rows that DynamoDB read for it. */
  report?(rowsRead: number): void;
  /** Ends the read after the pages in progress, without an error: the caller knows that the list is not complete. */
  readonly signal?: AbortSignal;
}

/** The ledger's table. Every call throws `LedgerUnavailable` if the table does not respond. */
export interface LedgerTable {
  record(webhookId: string): Promise<LedgerRecord | undefined>;
  /** Strongly consistent. Deliveries without a record are absent. */
  records(webhookIds: readonly string[]): Promise<ReadonlyMap<string, LedgerRecord>>;
  /** Undefined if it was deleted, or has expired. */
  event(webhookId: string): Promise<LedgerEvent | undefined>;
  /** Start of the partner's last refusal, until it expires. */
  response(webhookId: string): Promise<string | undefined>;
  /**
   * Writes a record if the stored version is the one before it (for version 1, if none is stored).
   *
   * @returns whether it was written
   */
  replace(record: LedgerRecord): Promise<boolean>;
  /** Writes unconditionally, in one call with other writes of the same millisecond. */
  overwrite(record: LedgerRecord): Promise<void>;
  /** Lists a delivery as open, until the reconciler finds it closed. It expires with the delivery's record. */
  putOpen(entry: OpenEntry): Promise<void>;
  putAllOpen(entries: readonly OpenEntry[]): Promise<void>;
  /** The open deliveries of one of `LEDGER_TABLE.openPartitions`, oldest first. Strongly consistent. */
  openEntries(partition: string): AsyncIterable<readonly OpenEntry[]>;
  removeOpen(entries: readonly OpenEntry[]): Promise<void>;
  /** Writes events, and lists their integrations and days. */
  putEvents(events: readonly LedgerEvent[]): Promise<void>;
  putResponse(webhookId: string, acceptedAt: string, responseStart: string): Promise<void>;
  timers(keys: readonly string[]): Promise<ReadonlyMap<string, Timer>>;
  /** See `Ledger.putTimer`. @returns whether it was written */
  putTimer(timer: Timer): Promise<boolean>;
  /** Counts the waiting timers, and those that are due. @param nowMs epoch milliseconds */
  countTimers(nowMs: number, options?: CountOptions): Promise<TimerCount>;
  /** At most 1,600 waiting timers that are due, the earliest of them. @param nowMs epoch milliseconds */
  overdueTimers(nowMs: number): Promise<readonly Timer[]>;
  /** Deletes the event and the response, but not the record. */
  forget(webhookId: string): Promise<void>;
  /** Every integration and day with an accepted event, oldest day first. */
  days(span: Span): Promise<readonly LedgerDay[]>;
  /** Deliveries that were claimed at least once, unordered. `reason` matches a part of the reason. */
  listRecords(
    day: LedgerDay,
    span: Span,
    filter?: { readonly states?: readonly DeliveryState[]; readonly reason?: string },
    watch?: ReadWatch,
  ): AsyncIterable<ListedDelivery>;
  /** Accepted events in any state, unordered. */
  listEvents(day: LedgerDay, span: Span): AsyncIterable<ListedEvent>;
  /**
   * What `listRecords` and `listEvents` return, with half as many queries. A delivery's record precedes its event;
   * otherwise unordered.
   */
  listDay(day: LedgerDay, span: Span): AsyncIterable<DayEntry>;
  /** What `listDay` returns, for a part of a day: it reads no more than that, with twice as many queries. */
  listPart(day: LedgerDay, span: Span): AsyncIterable<DayEntry>;
  /**
   * The ids that start with a prefix, of `wh_` and at least one hexadecimal digit; in no order, and one may come twice.
   */
  idsStartingWith(day: LedgerDay, prefix: string): AsyncIterable<string>;
  /** Number of accepted events. */
  countEvents(day: LedgerDay, span: Span): Promise<number>;
  /** The deliveries accepted last, latest first. */
  latestRecords(day: LedgerDay, atMost: number): Promise<readonly ListedDelivery[]>;
  /**
   * Finds every event of a learner, or of a course, by scanning the whole table. `containing` only finds events without a
   * user id, because another learner's payload may contain the same text.
   */
  eventsOf(subject: EventSubject, options?: ScanOptions): AsyncIterable<ScannedEvent>;
}

/** Whose events a scan finds. */
export type EventSubject =
  | { readonly userId: string }
  | { readonly courseId: string }
  | { readonly containing: string };

/** An event that a scan has found. */
export type ScannedEvent = Pick<LedgerEvent, 'webhook_id' | 'integration_id' | 'accepted_at'>;

export interface ScanOptions {
  /** Called after each page, with the numbers of items and of read units so far. */
  report?(itemsRead: number, readUnits: number): void;
  /** Stops the scan, which then throws. */
  readonly abortSignal?: AbortSignal | undefined;
}
