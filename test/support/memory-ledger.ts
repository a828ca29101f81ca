import type { LedgerDay, LedgerTable, ListedDelivery, OpenEntry, Span } from '../../lambdas/ledger/ports.ts';
import type { LedgerEvent, LedgerRecord } from '../../lambdas/ledger/record.ts';
import type { ReconcileProgress } from '../../lambdas/ledger/table/reconcile-progress.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { changedAt } from '../../lambdas/ledger/transitions.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { NOW } from './factories.ts';

const DAY_MS = 24 * 3600_000;

/** A ledger's table in memory, with additional access for tests. */
export interface MemoryLedger extends LedgerTable {
  /** While true, everything throws `LedgerUnavailable`. */
  isDown: boolean;
  /** All records, in the order in which they were first written. */
  readonly all: () => readonly LedgerRecord[];
  /** The list of open deliveries, oldest first. */
  readonly allOpen: () => readonly OpenEntry[];
  /** Deletes an event only, like its expiry. */
  readonly dropEvent: (webhookId: string) => void;
  /** Deletes a record only, like its expiry. */
  readonly dropRecord: (webhookId: string) => void;
}

interface Options {
  readonly now?: () => number;
  /** Retention of events and responses. */
  readonly payloadDays?: number;
  /** Called with every conditional write that succeeds. */
  readonly onReplace?: (before: LedgerRecord | undefined, after: LedgerRecord) => void;
}

/**
 * The ledger's table behind its port: optimistic locking, expiry of payloads, a directory that acceptance
 * fills, and a list that lacks a webhook's very first claim. State items and the directory never expire here. Records and
 * events are immutable, so nothing is copied.
 */
export function createMemoryLedger({ now = () => NOW, payloadDays = 30, onReplace }: Options = {}): MemoryLedger {
  const events = new Map<string, LedgerEvent>();
  const records = new Map<string, LedgerRecord>();
  const responses = new Map<string, { readonly acceptedAt: string; readonly start: string }>();
  const directory = new Map<string, LedgerDay>();
  const open = new Map<string, OpenEntry>();
  const timers = new Map<string, Timer>();

  const isHeld = (acceptedAt: string) => Date.parse(acceptedAt) + payloadDays * DAY_MS > now();
  const heldEvents = () => [...events.values()].filter(({ accepted_at }) => isHeld(accepted_at));
  const listed = (day: LedgerDay, span: Span) =>
    [...records.values()].filter((record) => isListed(record) && isOf(record, day, span)).map(toLine);
  /** Delays every call by one turn of the event loop, like a network. */
  const reach = async () => {
    await new Promise(setImmediate);
    if (ledger.isDown) throw new LedgerUnavailable('the table does not respond');
  };

  const ledger: MemoryLedger = {
    isDown: false,
    all: () => [...records.values()],
    allOpen: () => [...open.values()].toSorted((one, other) => (one.since < other.since ? -1 : 1)),
    dropRecord: (webhookId) => void records.delete(webhookId),
    dropEvent: (webhookId) => void events.delete(webhookId),
    async record(webhookId) {
      await reach();
      return records.get(webhookId);
    },
    async records(webhookIds) {
      await reach();
      const found = webhookIds.map((id) => records.get(id)).filter((record) => record !== undefined);
      return new Map(found.map((record) => [record.webhook_id, record]));
    },
    async event(webhookId) {
      await reach();
      const event = events.get(webhookId);
      return event !== undefined && isHeld(event.accepted_at) ? event : undefined;
    },
    async response(webhookId) {
      await reach();
      const response = responses.get(webhookId);
      return response !== undefined && isHeld(response.acceptedAt) ? response.start : undefined;
    },
    async replace(record) {
      await reach();
      const before = records.get(record.webhook_id);
      if ((before?.version ?? 0) !== record.version - 1) return false;
      onReplace?.(before, record);
      records.set(record.webhook_id, record);
      return true;
    },
    async overwrite(record) {
      await reach();
      records.set(record.webhook_id, record);
    },
    putOpen: (entry) => ledger.putAllOpen([entry]),
    async putAllOpen(entries) {
      await reach();
      for (const entry of entries) open.set(`${entry.since}#${entry.webhook_id}`, entry);
    },
    async *openEntries(partition) {
      const entries = ledger.allOpen().filter(({ webhook_id }) => webhook_id.charAt('wh_'.length) === partition.at(-1));
      // Most of the sixteen partitions are empty, and a turn for each would double the time of long tests.
      if (entries.length === 0 && !ledger.isDown) return;
      await reach();
      yield entries;
    },
    async removeOpen(entries) {
      await reach();
      for (const { since, webhook_id } of entries) open.delete(`${since}#${webhook_id}`);
    },
    async putEvents(accepted) {
      await reach();
      for (const event of accepted) {
        events.set(event.webhook_id, event);
        const day = { integrationId: event.integration_id, day: event.accepted_at.slice(0, 10) };
        directory.set(`${day.day}#${day.integrationId}`, day);
      }
    },
    async putResponse(webhookId, acceptedAt, start) {
      await reach();
      responses.set(webhookId, { acceptedAt, start });
    },
    async timers(keys) {
      await reach();
      return new Map(keys.flatMap((key) => timers.get(key) ?? []).map((timer) => [timer.key, timer]));
    },
    async putTimer(timer) {
      await reach();
      const standing = timers.get(timer.key);
      if (standing !== undefined && !givesWay(standing, timer)) return false;
      timers.set(timer.key, timer);
      return true;
    },
    async countTimers(nowMs) {
      await reach();
      const due = [...timers.values()].flatMap(({ due_at }) => due_at ?? []).map(Date.parse);
      return { waiting: due.length, overdue: due.filter((ms) => ms <= nowMs).length };
    },
    async overdueTimers(nowMs) {
      await reach();
      return [...timers.values()].filter(({ due_at }) => due_at !== undefined && Date.parse(due_at) <= nowMs);
    },
    async forget(webhookId) {
      await reach();
      events.delete(webhookId);
      responses.delete(webhookId);
    },
    async days({ from, until }) {
      await reach();
      const within = [...directory].filter(([, { day }]) => day >= from.slice(0, 10) && day <= until.slice(0, 10));
      return within.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, day]) => day);
    },
    async *listRecords(day, span, { states, reason } = {}, watch = {}) {
      await reach();
      for (const line of listed(day, span)) {
        if (watch.signal?.aborted) return;
        watch.report?.(1);
        const fits = states?.includes(line.state) ?? true;
        if (fits && (reason === undefined || line.reason?.includes(reason))) yield line;
      }
    },
    async *listEvents(day, span) {
      await reach();
      for (const event of heldEvents().filter((one) => isOf(one, day, span))) {
        yield { webhook_id: event.webhook_id, accepted_at: event.accepted_at };
      }
    },
    async *listDay(day, span) {
      for await (const record of ledger.listRecords(day, span)) yield { kind: 'record', ...record };
      for await (const event of ledger.listEvents(day, span)) yield { kind: 'event', ...event };
    },
    listPart: (day, span) => ledger.listDay(day, span),
    async *idsStartingWith(day, prefix) {
      await reach();
      const ofDay = heldEvents().filter((one) => isOf(one, day, { from: '', until: '~' }));
      yield* ofDay.map(({ webhook_id }) => webhook_id).filter((id) => id.startsWith(prefix));
    },
    async countEvents(day, span) {
      await reach();
      return heldEvents().filter((event) => isOf(event, day, span)).length;
    },
    async latestRecords(day, atMost) {
      await reach();
      const always = { from: '', until: '~' };
      const latestFirst = (one: ListedDelivery, other: ListedDelivery) =>
        one.accepted_at < other.accepted_at ? 1 : -1;
      return listed(day, always).toSorted(latestFirst).slice(0, atMost);
    },
    async *eventsOf(learner, { report } = {}) {
      await reach();
      report?.(events.size + records.size, 0.5);
      for (const event of heldEvents()) {
        const isTheirs =
          ('userId' in learner && event.user_id === learner.userId) ||
          ('courseId' in learner && event.course_id === learner.courseId) ||
          ('containing' in learner && event.user_id === undefined && event.payload.includes(learner.containing));
        const { webhook_id, integration_id, accepted_at } = event;
        if (isTheirs) yield { webhook_id, integration_id, accepted_at };
      }
    },
  };
  return ledger;
}

function givesWay(standing: Timer, timer: Timer): boolean {
  if (standing.webhook_id !== timer.webhook_id) return standing.latest_at < timer.latest_at;
  if (timer.due_at === undefined) return true;
  return standing.latest_at <= timer.latest_at && standing.generation <= timer.generation;
}

/** A webhook's very first claim is written without the index's attributes: its event lists it until the next write. */
function isListed({ version, state }: LedgerRecord): boolean {
  return version > 1 || state !== 'delivering';
}

function isOf(item: { integration_id: string; accepted_at: string }, day: LedgerDay, { from, until }: Span): boolean {
  const { integration_id, accepted_at } = item;
  const isOnDay = integration_id === day.integrationId && accepted_at.startsWith(day.day);
  return isOnDay && accepted_at >= from && accepted_at <= until;
}

function toLine(record: LedgerRecord): ListedDelivery {
  const { webhook_id, integration_id, event_type, accepted_at, state, generation, attempt, due_at, reason } = record;
  return {
    ...{ webhook_id, integration_id, event_type, accepted_at, state, generation, attempt },
    changed_at: changedAt(record),
    ...(due_at !== undefined && { due_at }),
    ...(reason !== undefined && { reason }),
  };
}

/** The progress of the reconciler's incremental runs, in memory. */
export function memoryProgress() {
  const stored: { current: ReconcileProgress | undefined } = { current: undefined };
  return {
    stored,
    read: async () => stored.current,
    write: async (progress: ReconcileProgress) => {
      stored.current = progress;
    },
  };
}
