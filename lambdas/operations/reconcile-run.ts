import type { OperationalEvents } from '../events/operational-event.ts';
import type { Standing } from '../ledger/balance.ts';
import type { IntegrationNotices } from '../ledger/integration-notices.ts';
import type { IntegrationState } from '../ledger/integration-state.ts';
import type { LedgerTable, Span } from '../ledger/ports.ts';
import type { StuckDelivery } from '../ledger/reconciliation.ts';
import { MAX_NAMED_STUCK, type ReconcileReport, type ReconcileRequest } from '../ledger/reconciliation.ts';
import type { ReconcileProgress } from '../ledger/table/reconcile-progress.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';
import { HOUR_MS } from '../shared/durations.ts';
import { errorFields } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS, type MetricName } from '../shared/metric-definitions.ts';
import type { OutgoingMessage } from '../shared/queue-message.ts';

export interface ReconcileServices {
  readonly table: LedgerTable;
  /** Progress of the incremental runs; both throw LedgerUnavailable. */
  readonly progress: {
    read(): Promise<ReconcileProgress | undefined>;
    write(progress: ReconcileProgress): Promise<void>;
  };
  /** For how many days the ledger stores events. */
  readonly payloadDays: number;
  /** Approximate number of outcomes in the outcomes queue; undefined if SQS does not respond. Never throws. */
  countOutcomes(): Promise<number | undefined>;
  readonly integrations: { read(): Promise<IntegrationRegistry | undefined> };
  /** Sends to the deliveries queue. @returns the ids of the messages that SQS refused */
  send(messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
  /** Sends to its dead letter queue. @returns the ids of the messages that SQS refused */
  deadLetter(messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
  readonly events: OperationalEvents;
  /** The stored states of integrations. @throws LedgerUnavailable */
  integrationStates(): Promise<readonly IntegrationState[]>;
  readonly notices: IntegrationNotices;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/** Number of deliveries that are read and handled together: the maximum of BatchGetItem. */
export const CHUNK = 100;

/** With less time left, in milliseconds, the run changes nothing more. */
const ACTING_RESERVE_MS = 60_000;

/** With less time left, in milliseconds, the run stops counting and returns its report. */
const COUNTING_RESERVE_MS = 20_000;

/** With less time left, in milliseconds, an incremental run lists no further hour: the rest is for the open deliveries. */
const LISTING_RESERVE_MS = 420_000;

const METRIC_OF = {
  released: METRICS.ledgerReleased,
  ended: METRICS.ledgerEnded,
  resent: METRICS.ledgerResent,
} as const satisfies Record<string, MetricName>;

/** One run: its request, its time limits, its findings and its actions so far. */
export class ReconcileRun {
  readonly request: ReconcileRequest;
  readonly span: Span;
  readonly services: ReconcileServices;
  /** Epoch milliseconds. */
  readonly startedMs: number;
  readonly #remainingMs: () => number;
  readonly #states = { delivered: 0, scheduled: 0, parked: 0, dead: 0, filtered: 0, cancelled: 0 };
  #inFlight = 0;
  #unbalanced = 0;
  readonly #stuck: StuckDelivery[] = [];
  readonly #done = { released: 0, ended: 0, resent: 0, failed: 0 };
  #isComplete = true;
  #outcomesWaiting: number | undefined = 0;

  constructor(request: ReconcileRequest, span: Span, services: ReconcileServices, remainingMs: () => number) {
    this.request = request;
    this.span = span;
    this.services = services;
    this.startedMs = services.now();
    this.#remainingMs = remainingMs;
  }

  get boundMs(): number {
    return this.request.in_flight_bound_seconds * 1000;
  }

  /** Whether there is time to continue counting. If not, the report is marked as incomplete. */
  mayCount(): boolean {
    return this.#hasTime(COUNTING_RESERVE_MS);
  }

  /** Whether there is time for changes. If not, the report is marked as incomplete. */
  mayAct(): boolean {
    return this.#hasTime(ACTING_RESERVE_MS);
  }

  /** Whether there is time to list another hour. If not, the report is marked as incomplete. */
  mayList(): boolean {
    return this.#hasTime(LISTING_RESERVE_MS);
  }

  /** Whether everything was counted and done so far. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  #hasTime(reserveMs: number): boolean {
    const hasTime = this.#remainingMs() >= reserveMs;
    if (!hasTime) this.#isComplete = false;
    return hasTime;
  }

  /**
   * Whether deliveries may be resent or ended: not while outcomes are queued, because a delivery that looks stuck or
   * parked may have been delivered. Once there are queued outcomes, the result is false for the whole run.
   */
  async areOutcomesSettled(): Promise<boolean> {
    if (this.#outcomesWaiting === 0) {
      this.#outcomesWaiting = await this.services.countOutcomes();
      if (this.#outcomesWaiting !== 0) {
        this.services.log.warn('ledger.outcomes_waiting', { outcomes: this.#outcomesWaiting ?? 'unknown' });
      }
    }
    return this.#outcomesWaiting === 0;
  }

  /** Counts one delivery in the balance. */
  count(standing: Standing): void {
    if (standing.kind === 'counted') this.#states[standing.state] += 1;
    else if (standing.kind === 'in_flight') this.#inFlight += 1;
    else this.#unbalanced += 1;
  }

  /** Counts a delivery whose record cannot be read: nothing shows that a message or an execution carries it. */
  countUnreadable(): void {
    this.#unbalanced += 1;
  }

  /** Reports a stuck delivery in the log and, up to `MAX_NAMED_STUCK`, in the report. */
  reportStuck(delivery: StuckDelivery): void {
    if (this.#stuck.length === MAX_NAMED_STUCK) return;
    this.#stuck.push(delivery);
    this.services.log.warn('ledger.stuck', { ...delivery });
  }

  /** Counts actions that were done, or in a dry run, would be. */
  did(action: keyof typeof METRIC_OF, howMany: number): void {
    this.#done[action] += howMany;
    if (howMany > 0 && !this.request.dry_run) this.services.counter.count(METRIC_OF[action], howMany);
  }

  /** Counts an action that failed; the log has the reason. */
  failed(): void {
    this.#done.failed += 1;
  }

  /** Runs an action for one delivery. Its error is logged and counted, and does not stop the others. */
  async guard<T>(webhookId: string, action: () => Promise<T>): Promise<T | 'failed'> {
    try {
      return await action();
    } catch (thrown) {
      this.services.log.error('ledger.action_failed', { webhook_id: webhookId, ...errorFields(thrown) });
      this.failed();
      return 'failed';
    }
  }

  report(integrations: number): ReconcileReport {
    const inStates = Object.values(this.#states).reduce((sum, number) => sum + number);
    return {
      ...this.span,
      integrations,
      accepted: inStates + this.#inFlight + this.#unbalanced,
      states: this.#states,
      in_flight: this.#inFlight,
      unbalanced: this.#unbalanced,
      is_balanced: this.#unbalanced === 0,
      stuck: this.#stuck,
      outcomes_waiting: this.#outcomesWaiting ?? null,
      ...this.#done,
      is_dry_run: this.request.dry_run,
      is_complete: this.#isComplete,
    };
  }
}

/** Rotates the order every hour, so that runs out of time do not always skip the same ones. */
export function rotated<T>(all: readonly T[], nowMs: number): readonly T[] {
  const first = all.length === 0 ? 0 : Math.floor(nowMs / HOUR_MS) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
