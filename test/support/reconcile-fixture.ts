import type { DeliverySubject } from '../../lambdas/events/delivery.ts';
import type { IntegrationState } from '../../lambdas/ledger/integration-state.ts';
import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import type { DeliveryState, LedgerRecord } from '../../lambdas/ledger/record.ts';
import { eventOf, newRecord } from '../../lambdas/ledger/transitions.ts';
import { reconcileLedger } from '../../lambdas/operations/reconcile-ledger.ts';
import type { ReconcileServices } from '../../lambdas/operations/reconcile-run.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import type { IntegrationRegistry } from '../../lambdas/partners/integration-registry.ts';
import type { OutgoingMessage } from '../../lambdas/shared/queue-message.ts';
import {
  ENRICHED,
  fakeCounter,
  fakeEvents,
  fakeLog,
  fakeNotices,
  integration,
  NOW,
  registry,
  subject,
} from './factories.ts';
import { createMemoryLedger, memoryProgress } from './memory-ledger.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const isoAgo = (ageMs: number) => new Date(NOW - ageMs).toISOString();

/** A webhook to put into the ledger. */
export interface Put {
  /** How long ago it was accepted. */
  readonly agoMs: number;
  readonly integrationId?: string;
  readonly state?: DeliveryState;
  /** How long ago it entered its state. Default: when it was accepted. */
  readonly changedAgoMs?: number;
  /** Other fields of its record. */
  readonly record?: Partial<LedgerRecord>;
  /** Other fields of its event. */
  readonly event?: Partial<DeliverySubject>;
}

/** A record in a state, accepted and changed so long ago. */
export function recordOf(eventId: string, { agoMs, integrationId, state = 'accepted', ...put }: Put): LedgerRecord {
  const accepted_at = isoAgo(agoMs);
  const whose = integrationId === undefined ? {} : { integration_id: integrationId };
  const before = newRecord(subject({ event_id: eventId, accepted_at, ...whose }), NOW);
  const times = { ...before.times, [state]: isoAgo(put.changedAgoMs ?? agoMs) };
  return { ...before, state, times, enrichment: ENRICHED, version: 2, ...put.record };
}

/** A ledger in memory, queues that record their messages, and runs of the reconciler. */
export function reconcileFixture(integrations: readonly Integration[] = [integration()]) {
  const clock = { nowMs: NOW };
  const now = () => clock.nowMs;
  const ledger = createMemoryLedger({ now });
  const sent: OutgoingMessage[] = [];
  const deadLetters: OutgoingMessage[] = [];
  const refused = new Set<string>();
  const log = fakeLog();
  const counter = fakeCounter();
  const events = fakeEvents();
  const notices = fakeNotices();
  const into = (queue: OutgoingMessage[]) => async (messages: readonly OutgoingMessage[]) => {
    queue.push(...messages.filter(({ id }) => !refused.has(id)));
    return new Set(messages.map(({ id }) => id).filter((id) => refused.has(id)));
  };
  const fixture = {
    clock,
    ledger,
    /** The table of the runs, which a test may replace. */
    table: ledger as LedgerTable,
    registry: registry(...integrations) as IntegrationRegistry | undefined,
    sent,
    deadLetters,
    /** Ids of webhooks whose messages SQS refuses. */
    refused,
    log,
    counter,
    events,
    notices,
    /** States of integrations in the ledger. */
    states: [] as IntegrationState[],
    readStates: async () => fixture.states as readonly IntegrationState[],
    /** Number of queued outcomes; undefined if SQS does not respond. */
    outcomes: 0 as number | undefined,
    /** Progress of the incremental runs. */
    progress: memoryProgress(),
    /** Writes an event, and its record if `put` has a state. */
    async put(eventId: string, put: Put): Promise<string> {
      const record = recordOf(eventId, put);
      const { webhook_id, integration_id, accepted_at } = record;
      const accepted = subject({ event_id: eventId, webhook_id, integration_id, accepted_at, ...put.event });
      await ledger.putEvents([eventOf(accepted, NOW)]);
      if (put.state !== undefined) await ledger.overwrite(record);
      return webhook_id;
    },
    run(input: unknown = {}, remainingMs: () => number = () => 15 * MINUTE) {
      const services: ReconcileServices = {
        table: fixture.table,
        progress: fixture.progress,
        payloadDays: 30,
        countOutcomes: async () => fixture.outcomes,
        integrations: { read: async () => fixture.registry },
        send: into(sent),
        deadLetter: into(deadLetters),
        events,
        integrationStates: () => fixture.readStates(),
        notices,
        log,
        counter,
        now,
      };
      return reconcileLedger(input, services, remainingMs);
    },
  };
  return fixture;
}
