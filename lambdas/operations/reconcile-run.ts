import type { Standing } from '../ledger/balance.ts';
import type { LedgerTable, Span } from '../ledger/ports.ts';
import type { StuckWebhook } from '../ledger/reconciliation.ts';
import { MAX_NAMED_STUCK, type ReconcileReport, type ReconcileRequest } from '../ledger/reconciliation.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';
import { errorFields } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS, type MetricName } from '../shared/metric-definitions.ts';
import type { OutgoingMessage } from '../shared/queue-message.ts';

export interface ReconcileServices {
  readonly table: LedgerTable;
  /** How many outcomes wait for the ledger in their queue, about; undefined where SQS does not respond. Never throws. */
  countOutcomes(): Promise<number | undefined>;
  readonly integrations: { read(): Promise<IntegrationRegistry | undefined> };
  /** Sends to the deliveries queue. @returns the ids of those that SQS did not take */
  send(messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
  /** Sends to its dead letter queue. @returns the ids of those that SQS did not take */
  deadLetter(letters: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/** Webhooks that are read, and dealt with, at a time: as many as BatchGetItem takes. */
export const CHUNK = 100;

/** With less time left, in milliseconds, nothing is changed. */
const ACTING_RESERVE_MS = 60_000;

/** With less time left, in milliseconds, nothing is counted: the report has to be returned. */
const COUNTING_RESERVE_MS = 20_000;

const METRIC_OF = {
  released: METRICS.ledgerReleased,
  ended: METRICS.ledgerEnded,
  republished: METRICS.ledgerRepublished,
} as const satisfies Record<string, MetricName>;

/** One run: what it was asked, what it may still do, and what it has found and done so far. */
export class ReconcileRun {
  readonly request: ReconcileRequest;
  readonly span: Span;
  readonly services: ReconcileServices;
  readonly #remainingMs: () => number;
  readonly #states = { delivered: 0, scheduled: 0, parked: 0, dead: 0, filtered: 0, cancelled: 0 };
  #inFlight = 0;
  #unbalanced = 0;
  readonly #stuck: StuckWebhook[] = [];
  readonly #done = { released: 0, ended: 0, republished: 0, failed: 0 };
  #isComplete = true;
  #outcomesWaiting: number | undefined = 0;

  constructor(request: ReconcileRequest, span: Span, services: ReconcileServices, remainingMs: () => number) {
    this.request = request;
    this.span = span;
    this.services = services;
    this.#remainingMs = remainingMs;
  }

  get boundMs(): number {
    return this.request.in_flight_bound_seconds * 1000;
  }

  /** Whether there is time to count on. Asked where there is something to count: a no makes the report incomplete. */
  mayCount(): boolean {
    return this.#hasTime(COUNTING_RESERVE_MS);
  }

  /** The same for changing something. */
  mayAct(): boolean {
    return this.#hasTime(ACTING_RESERVE_MS);
  }

  #hasTime(reserveMs: number): boolean {
    const hasTime = this.#remainingMs() >= reserveMs;
    if (!hasTime) this.#isComplete = false;
    return hasTime;
  }

  /**
   * Whether anything may be sent again, or ended: not while outcomes wait in their queue. What looks stuck may be delivered,
   * and what is parked too; the next run knows. Once they were seen to wait, it is so for the whole run.
   */
  async knowsOutcomes(): Promise<boolean> {
    if (this.#outcomesWaiting === 0) {
      this.#outcomesWaiting = await this.services.countOutcomes();
      if (this.#outcomesWaiting !== 0) {
        this.services.log.warn('ledger.outcomes_waiting', { outcomes: this.#outcomesWaiting ?? 'unknown' });
      }
    }
    return this.#outcomesWaiting === 0;
  }

  /** Enters one webhook into the balance. */
  count(standing: Standing): void {
    if (standing.kind === 'counted') this.#states[standing.state] += 1;
    else if (standing.kind === 'in_flight') this.#inFlight += 1;
    else this.#unbalanced += 1;
  }

  /** Names a webhook that does not balance, in the log and the report, as long as there is room. */
  name(webhook: StuckWebhook): void {
    if (this.#stuck.length === MAX_NAMED_STUCK) return;
    this.#stuck.push(webhook);
    this.services.log.warn('ledger.stuck', { ...webhook });
  }

  /** What was done, or would be. */
  did(what: keyof typeof METRIC_OF, howMany: number): void {
    this.#done[what] += howMany;
    if (howMany > 0 && !this.request.dry_run) this.services.counter.count(METRIC_OF[what], howMany);
  }

  /** Counts an action that failed; the log has the reason. */
  failed(): void {
    this.#done.failed += 1;
  }

  /** Does something for one webhook: what it throws is logged and counted, and stops no other. */
  async guard<T>(webhookId: string, what: () => Promise<T>): Promise<T | 'failed'> {
    try {
      return await what();
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
