import type { Delivery, TaskResult } from '../../../lambdas/contract/delivery.ts';
import type { LedgerEvent, LedgerRecord } from '../../../lambdas/contract/ledger.ts';
import type { UnsettledOutcome } from '../../../lambdas/contract/unsettled-outcome.ts';
import { sightingOf, standingOf } from '../../../lambdas/domain/balance.ts';
import { executionName, executionToken } from '../../../lambdas/domain/identity.ts';
import { leaseEndMs } from '../../../lambdas/domain/ledger.ts';
import { NOW } from '../factories.ts';

export const SECOND = 1000;

/** What is in flight, or overdue, for longer, the reconciler sends anew. */
export const STUCK_AFTER_MS = 1800 * SECOND;

/** What a function hears where it asks the gate or the partner. */
export type Answer = 'delivered' | 'unavailable' | 'refused' | 'limited' | 'slow';

/** A function at work: wherever it yields, others may work, time may pass, and it may be killed. */
export type Steps<T> = Generator<undefined, T, Answer>;

export interface Message<T> {
  readonly body: T;
  visibleAtMs: number;
}

export interface Execution {
  readonly token: string;
  delivery: Delivery;
  dueAtMs: number;
  state: 'asleep' | 'awake' | 'closed';
}

/** A function that runs. */
export interface Invocation {
  readonly who: string;
  /** Then Lambda kills it. */
  readonly endMs: number;
  readonly steps: Steps<void>;
  /** What follows a kill, besides that its message comes again. */
  readonly afterKill?: () => void;
  /** The webhook that the partner has taken, while the ledger does not know it. */
  unknown?: string | undefined;
}

/** `failed`: nothing is read or written. `lost`: nothing is read, writes are applied, and no response comes. */
export type TableMode = 'up' | 'failed' | 'lost';

/** What outlives a function: table, queues, executions and the partner. It notes whatever may never happen to them. */
export class World {
  nowMs = NOW;
  readonly records = new Map<string, LedgerRecord>();
  readonly events = new Map<string, LedgerEvent>();
  /** The events queue: webhook ids. */
  readonly publications: Message<string>[] = [];
  /** The deliveries queue. */
  readonly messages: Message<Delivery>[] = [];
  readonly letters: Delivery[] = [];
  table: TableMode = 'up';
  /** Webhooks that were sent to the deliveries queue. */
  readonly forwarded = new Set<string>();
  /** The outcomes queue. */
  readonly outcomes: Message<UnsettledOutcome>[] = [];
  /** Times that the partner took a webhook, and the ledger does not know it yet. */
  readonly unknown = new Map<string, number>();
  readonly executions = new Map<string, Execution>();
  readonly invocations: Invocation[] = [];
  /** Times that the partner took a webhook, and times that it may have to. */
  readonly taken = new Map<string, number>();
  readonly allowed = new Map<string, number>();
  readonly faults: string[] = [];
  /** What happened, for whoever reads a counterexample. */
  readonly story: string[] = [];
  /** Of those that it may have to take again, the ones that it has not. */
  readonly #spare = new Map<string, number>();
  /** Until when a request may be under way, by webhook. */
  readonly #requests = new Map<string, number>();

  /** Asked where others may have changed it since it was asked last. */
  mode(): TableMode {
    return this.table;
  }

  tell(text: string): void {
    this.story.push(`${(this.nowMs - NOW) / SECOND} s: ${text}`);
  }

  /** The table's conditional write. */
  replace(record: LedgerRecord): boolean {
    const { webhook_id, version, state, generation, attempt, token = '-' } = record;
    const before = this.records.get(webhook_id);
    if ((before?.version ?? 0) !== version - 1) return false;
    if (before !== undefined) {
      if (generation < before.generation) this.faults.push('a generation fell');
      if (state === 'delivering' && leaseEndMs(before) > this.nowMs) this.faults.push('two held one lease');
    }
    if (before?.state === 'delivered' && record.state !== 'delivered' && record.generation === before.generation) {
      this.faults.push(`${webhook_id} was delivered, and is ${state}`);
    }
    if (state === 'delivered') this.learn(webhook_id);
    this.records.set(webhook_id, record);
    this.tell(`ledger: ${webhook_id} ${state} generation ${generation} attempt ${attempt} token ${token}`);
    return true;
  }

  /** The partner took it: again, only where the ledger could not know, or an operator asked for it. */
  take(webhookId: string, isUnseen: boolean): void {
    const before = this.taken.get(webhookId) ?? 0;
    const unknown = this.unknown.get(webhookId) ?? 0;
    if (!isUnseen && unknown === 0 && before > 0) {
      const spare = this.#spare.get(webhookId) ?? 0;
      if (spare === 0) this.faults.push(`${webhookId} was taken again although the ledger knew`);
      else this.#spare.set(webhookId, spare - 1);
    }
    this.taken.set(webhookId, before + 1);
    this.unknown.set(webhookId, unknown + 1);
  }

  /** The ledger says that it is delivered. */
  learn(webhookId: string): void {
    this.unknown.set(webhookId, 0);
  }

  /** The outcome of one delivery is acknowledged: whatever the ledger says then, it was told. */
  forget(webhookId: string): void {
    this.unknown.set(webhookId, Math.max(0, (this.unknown.get(webhookId) ?? 0) - 1));
  }

  beginRequest(webhookId: string, endMs: number): void {
    if ((this.#requests.get(webhookId) ?? 0) > this.nowMs) this.faults.push('two requests at once');
    this.#requests.set(webhookId, endMs);
  }

  endRequest(webhookId: string, answer: Answer, isUnseen = false): void {
    if (!isUnseen) this.#requests.delete(webhookId);
    this.tell(`partner: ${webhookId} ${answer}${isUnseen ? ', unseen' : ''}`);
    if (answer === 'delivered') this.take(webhookId, isUnseen);
  }

  allowAnother(webhookId: string): void {
    this.#spare.set(webhookId, (this.#spare.get(webhookId) ?? 0) + 1);
    this.allowed.set(webhookId, (this.allowed.get(webhookId) ?? 1) + 1);
  }

  send(body: Delivery, delaySeconds = 0): void {
    this.forwarded.add(body.webhook_id);
    this.messages.push({ body, visibleAtMs: this.nowMs + delaySeconds * SECOND });
  }

  bury(delivery: Delivery, { redrive }: TaskResult): void {
    this.letters.push({ ...delivery, ...redrive });
    this.tell(`dead letter: ${delivery.webhook_id} generation ${redrive?.generation}`);
  }

  /** An execution of that name, running or closed, counts as started. @returns its token */
  start(delivery: Delivery): string {
    const token = executionToken(delivery);
    const name = executionName(delivery.webhook_id, token);
    const dueAtMs = Date.parse(delivery.progress.due_at as string);
    const existing = this.executions.get(name);
    this.tell(`execution ${name}: ${existing === undefined ? 'started' : `exists, and is ${existing.state}`}`);
    if (existing === undefined) {
      this.executions.set(name, { token, delivery: { ...delivery, token }, dueAtMs, state: 'asleep' });
    }
    return token;
  }

  /** Whether the reconciler would send it anew. */
  isStuck(webhookId: string): boolean {
    const record = this.records.get(webhookId);
    const accepted = this.events.get(webhookId)?.accepted_at;
    if (accepted === undefined) return false;
    const seen = record === undefined ? ({ state: 'accepted', changedAt: accepted } as const) : sightingOf(record);
    return standingOf(seen, STUCK_AFTER_MS, this.nowMs).kind === 'stuck';
  }
}
