import type { SQSClient } from '@aws-sdk/client-sqs';
import { evenly } from '../../commands/replay/pace.ts';
import { replayDeliveries } from '../../commands/replay/replay-deliveries.ts';
import { deliverMessages } from '../../lambdas/delivery/deliver-messages.ts';
import { type DeliverOneServices, deliverOne } from '../../lambdas/delivery/deliver-one.ts';
import { enrichEvents } from '../../lambdas/enrichment/enrich-events.ts';
import { deadLetterMessage } from '../../lambdas/events/dead-letter.ts';
import type { Delivery, TaskResult } from '../../lambdas/events/delivery.ts';
import { executionName, executionToken } from '../../lambdas/events/identity.ts';
import type { OperationalEvent } from '../../lambdas/events/operational-event.ts';
import { createLedger } from '../../lambdas/ledger/dynamodb-ledger.ts';
import type { Ledger } from '../../lambdas/ledger/ports.ts';
import type { ReconcileInput, ReconcileReport } from '../../lambdas/ledger/reconciliation.ts';
import { type LedgerRecord, RECORDED_ATTEMPTS } from '../../lambdas/ledger/record.ts';
import { settleLate } from '../../lambdas/ledger/table/claim-and-settle.ts';
import { leaseEndMs } from '../../lambdas/ledger/transitions.ts';
import type { Limiter, LimiterDecision } from '../../lambdas/limiter/limiter.ts';
import { reconcileLedger } from '../../lambdas/operations/reconcile-ledger.ts';
import { rescue } from '../../lambdas/operations/rescue-through-workflow.ts';
import { settleMessages } from '../../lambdas/operations/settle-messages.ts';
import type { SendResult } from '../../lambdas/partners/webhook-sender.ts';
import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import type { OutgoingMessage } from '../../lambdas/shared/queue-message.ts';
import { fakeCounter, fakeLog, fakeNotices, flag, integration, NOT_ENRICHED, NOW, registry } from './factories.ts';
import { createMemoryLedger, memoryProgress } from './memory-ledger.ts';
import { UNGUARDED } from './open-ledger.ts';
import { failed, openLimiter, responded, sendingServices } from './sending.ts';
import { Calls } from './unanswered-calls.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;

const FLAG = flag();
const ACTIVE = registry(integration());
const PAUSED = registry(integration({ paused: true }));

/** What is in flight for longer is stuck. */
export const STUCK_AFTER_MS = 30 * MINUTE;

/** What the partner does with a request. `cut`: it accepts the request, and the response is lost. */
export type Partner = 'ok' | 'cut' | 'busy' | 'refuses';
const RESULTS: Readonly<Record<Partner, SendResult>> = {
  ok: responded(200),
  cut: failed('ECONNRESET'),
  busy: responded(503),
  refuses: responded(404),
};

/** The limiter's decision about all requests. */
export type LimiterStatus = 'open' | 'limited' | 'slow' | 'failing';

/** The conditions of one invocation. */
export interface Going {
  readonly calls: Calls;
  readonly partner: Partner;
  readonly limiter: LimiterStatus;
  /** Whether an execution that is due already wakes before its start is responded to. */
  readonly wakesAtOnce?: boolean;
}

/** Every call has a response, and the partner accepts everything. */
export const quiet = (): Going => ({ partner: 'ok', limiter: 'open', calls: new Calls() });

interface Message extends ReceivedMessage {
  visibleAtMs: number;
}

interface Execution {
  readonly name: string;
  delivery: Delivery & { readonly progress: TaskResult };
  readonly input: string;
  state: 'waits' | 'runs' | 'closed' | 'failed' | 'rescued';
  dueAtMs: number;
}

/** One request that the partner accepted. */
export interface Sent {
  readonly webhookId: string;
  readonly atMs: number;
  /** Whether the ledger responded to the function that sent it. */
  readonly isKnowing: boolean;
}

/**
 * The pipeline's own functions over a ledger's table, queues, dead-letter messages and a workflow in memory. `Calls` decides how
 * each call of a function ends.
 */
export class SimulatedPipeline {
  nowMs = NOW;
  isPaused = false;
  readonly table = createMemoryLedger({
    now: () => this.nowMs,
    onReplace: (before, after) => this.#checkWrite(before, after),
  });
  readonly events: Message[] = [];
  readonly deliveries: Message[] = [];
  /** Outcomes that could not be written to the table. */
  readonly outcomes: Message[] = [];
  readonly deadLetters: Delivery[] = [];
  readonly executions = new Map<string, Execution>();
  readonly sent: Sent[] = [];
  /** Bodies and times of acknowledged events. */
  readonly acknowledged: { readonly body: string; readonly atMs: number }[] = [];
  /** How often the partner may accept a webhook again, by its id: the documented repeats. */
  readonly repeats = new Map<string, number>();
  readonly faults: string[] = [];
  /** Progress of the reconciler's incremental runs. */
  readonly progress = memoryProgress();
  readonly log = fakeLog();
  readonly #counter = fakeCounter();
  /** Writes that made a webhook dead and have no operational event yet, by its id. */
  readonly #unannounced = new Map<string, number>();
  readonly #operationalEvents = { put: async (event: OperationalEvent) => this.#checkEvent(event) };
  /** Deadlines of requests in progress, in epoch milliseconds, by webhook. */
  readonly #requests = new Map<string, number>();
  readonly #hiddenMs: number;
  #messages = 0;

  /** @param hiddenMs visibility timeout of the queues */
  constructor(hiddenMs = 180 * SECOND) {
    this.#hiddenMs = hiddenMs;
  }

  now = () => this.nowMs;

  put(queue: Message[], body: string, delaySeconds = 0): void {
    this.#messages += 1;
    queue.push({ id: `${this.#messages}`, body, visibleAtMs: this.nowMs + delaySeconds * SECOND });
  }

  /** Receives the first visible messages of a queue, which hides them. */
  receive(queue: Message[], atMost: number): readonly Message[] {
    const visible = queue.filter(({ visibleAtMs }) => visibleAtMs <= this.nowMs).slice(0, atMost);
    for (const message of visible) message.visibleAtMs = this.nowMs + this.#hiddenMs;
    return visible;
  }

  /** EnrichBatch. */
  async takeEvents(going: Going, atMost = 2): Promise<void> {
    const messages = this.receive(this.events, atMost);
    if (messages.length === 0) return;
    const { calls } = going;
    const failures = await this.#outcome(calls, () =>
      enrichEvents(messages, {
        flag: { read: async () => FLAG },
        integrations: { read: async () => this.#registry() },
        cache: { read: async () => ({ hits: new Map(), warmed: undefined }), write: async () => {} },
        // Nothing is known: half of the events wait in the workflow, and half go on.
        warehouse: { query: () => Promise.reject(new Error('the warehouse is down')) },
        workflow: { start: (delivery) => this.#start(going, delivery) },
        ledger: this.#ledger(calls),
        forward: (deliveries) =>
          this.#send(
            calls,
            this.deliveries,
            [...deliveries].map(([id, delivery]) => ({ id, body: JSON.stringify(delivery) })),
          ),
        deadLetter: () => Promise.reject(new Error('no event is malformed')),
        ...{ log: this.log, counter: this.#counter, now: this.now, random: () => 0.5, remainingMs: () => 30_000 },
      }),
    );
    for (const message of messages) {
      if (failures === undefined || failures.has(message.id)) continue;
      remove(this.events, message);
      this.acknowledged.push({ body: message.body, atMs: this.nowMs });
    }
  }

  /** DeliverBatch. */
  async deliver(going: Going, atMost = 2): Promise<void> {
    const messages = this.receive(this.deliveries, atMost);
    if (messages.length === 0) return;
    const { calls } = going;
    const failures = await this.#outcome(calls, () =>
      deliverMessages(messages, {
        ...this.#sending(going),
        workflow: { start: (delivery) => this.#start(going, delivery) },
        deadLetter: (deadLetters) => this.#deadLetter(calls, deadLetters.map(deadLetterMessage)),
        defer: (deferred) => this.#send(calls, this.deliveries, deferred),
      }),
    );
    for (const message of messages) {
      if (this.#mayRepeat(calls)) this.allowRepeat(JSON.parse(message.body).webhook_id);
      if (failures !== undefined && !failures.has(message.id)) remove(this.deliveries, message);
    }
  }

  /** SettleOutcomes. */
  async settle({ calls }: Going, atMost = 2): Promise<void> {
    const messages = this.receive(this.outcomes, atMost);
    if (messages.length === 0) return;
    const options = { table: calls.table(this.table), claimedBy: 'settler', now: this.now };
    const failures = await this.#outcome(calls, () =>
      settleMessages(messages, {
        settle: (outcome) => settleLate(outcome, options),
        deadLetter: () => Promise.reject(new Error('no outcome is malformed')),
        ...{ events: this.#operationalEvents, log: this.log, counter: this.#counter, now: this.now },
      }),
    );
    for (const message of messages) {
      if (failures !== undefined && !failures.has(message.id)) remove(this.outcomes, message);
    }
  }

  /** Executions whose next step is due. */
  due(): readonly Execution[] {
    return [...this.executions.values()].filter(({ state, dueAtMs }) => state === 'waits' && dueAtMs <= this.nowMs);
  }

  /** One step of the workflow: DeliverTask, after the fallback, or the dead-letter message of what was rescued. */
  async wake(execution: Execution, going: Going): Promise<void> {
    const { calls } = going;
    const { delivery } = execution;
    execution.state = 'runs';
    const isRescue = delivery.progress.outcome === 'dead';
    const isPending = delivery.progress.enrichment.status === 'pending';
    const input = isPending ? { ...delivery, progress: { ...delivery.progress, enrichment: NOT_ENRICHED } } : delivery;
    const result = isRescue
      ? delivery.progress
      : await this.#outcome(calls, () => deliverOne(input, this.#sending(going)));
    if (this.#mayRepeat(calls)) this.allowRepeat(delivery.webhook_id);
    // Aborted meanwhile.
    if (execution.state !== 'runs') return;
    if (result === undefined) {
      // The workflow calls a task again whose function was killed.
      execution.state = 'waits';
      execution.dueAtMs = this.nowMs + 2 * SECOND;
      return;
    }
    const { redrive, ...progress } = result;
    if (redrive !== undefined) this.deadLetters.push({ ...delivery, ...redrive });
    execution.delivery = { ...delivery, progress };
    execution.state = progress.outcome === 'retry' ? 'waits' : 'closed';
    execution.dueAtMs = Date.parse(progress.due_at ?? '');
  }

  /** RescueExecution, for an aborted execution; repeated until it succeeds. */
  async rescue(execution: Execution, { calls }: Going): Promise<void> {
    const { name, input } = execution;
    const isRescued = await this.#outcome(calls, async () => {
      await rescue(name, 'event', {
        describe: async () => ({ name, status: 'ABORTED', error: undefined, input }),
        start: (rescueName, rescueInput) =>
          calls.make(async () => {
            if (this.executions.has(rescueName)) return false;
            this.#add(rescueName, rescueInput as Delivery);
            return true;
          }, noResponse),
        deadLetter: () => Promise.reject(new Error('the workflow takes every rescue')),
        ...{ events: this.#operationalEvents, log: this.log, counter: this.#counter, now: this.now },
      });
      return true;
    });
    if (isRescued) execution.state = 'rescued';
  }

  /** A scheduled run of Reconcile. @param remainingMs time until its timeout */
  reconcile(
    { calls }: Going,
    remainingMs = () => 900 * SECOND,
    input: ReconcileInput = { incremental: true },
  ): Promise<ReconcileReport | undefined> {
    return this.#outcome(calls, () =>
      reconcileLedger(
        { ...input, in_flight_bound_seconds: STUCK_AFTER_MS / SECOND },
        {
          table: calls.table(this.table),
          progress: calls.progress(this.progress),
          payloadDays: 30,
          countOutcomes: async () => this.outcomes.length,
          integrations: { read: async () => this.#registry() },
          send: (messages) => this.#send(calls, this.deliveries, messages),
          deadLetter: (deadLetters) => this.#deadLetter(calls, deadLetters),
          ...{ integrationStates: async () => [], notices: fakeNotices() },
          ...{ events: this.#operationalEvents, log: this.log, counter: this.#counter, now: this.now },
        },
        remainingMs,
      ),
    );
  }

  /** An operator's replay of a webhook, in any state. */
  async replay(webhookId: string, { calls }: Going): Promise<void> {
    this.allowRepeat(webhookId);
    const send = ({ input }: { input: { MessageBody: string } }) =>
      calls.make(async () => this.put(this.deliveries, input.MessageBody), noResponse);
    await this.#outcome(calls, () =>
      replayDeliveries(
        { cause: 'replay', turns: evenly([webhookId], 10), isMeant: () => true },
        {
          ...{ table: calls.table(this.table), sqs: { send } as unknown as SQSClient, queueUrl: 'deliveries' },
          ...{ now: this.now, sleep: async () => {} },
        },
        { report: () => {}, isInterrupted: () => false },
      ),
    );
  }

  /** When the next message or execution is due; undefined if nothing waits. */
  nextMs(): number | undefined {
    const waiting = [...this.executions.values()].filter(({ state }) => state === 'waits');
    const times = [
      ...[...this.events, ...this.deliveries, ...this.outcomes].map(({ visibleAtMs }) => visibleAtMs),
      ...waiting.map(({ dueAtMs }) => dueAtMs),
    ];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  allowRepeat(webhookId: string): void {
    this.repeats.set(webhookId, (this.repeats.get(webhookId) ?? 0) + 1);
  }

  /** Reports writes that must never be made. */
  #checkWrite(before: LedgerRecord | undefined, after: LedgerRecord): void {
    const { webhook_id: id, state, generation, attempts } = after;
    if (attempts.length > RECORDED_ATTEMPTS) this.faults.push(`${id} keeps ${attempts.length} attempts`);
    if (state === 'dead' && before?.state !== 'dead') this.#unannounced.set(id, (this.#unannounced.get(id) ?? 0) + 1);
    if (before === undefined) return;
    if (generation < before.generation) this.faults.push(`the generation of ${id} fell`);
    if (state === 'delivering' && leaseEndMs(before) > this.nowMs)
      this.faults.push(`two functions have a lease on ${id}`);
    if (before.state === 'delivered' && state !== 'delivered' && generation === before.generation)
      this.faults.push(`${id} was delivered, and is ${state}`);
  }

  /** An operational event follows a write that made its webhook dead, and no other has announced that write. */
  async #checkEvent({ type, detail }: OperationalEvent): Promise<boolean> {
    if (type !== 'delivery.dead_lettered' || detail.reason === 'workflow_failed') return true;
    const left = this.#unannounced.get(detail.webhook_id) ?? 0;
    if (left === 0) this.faults.push(`${detail.webhook_id} is announced as dead, but no write made it dead`);
    this.#unannounced.set(detail.webhook_id, left - 1);
    return true;
  }

  #beginRequest(webhookId: string, deadlineMs: number): void {
    if ((this.#requests.get(webhookId) ?? 0) > this.nowMs) this.faults.push(`two requests at once for ${webhookId}`);
    this.#requests.set(webhookId, deadlineMs);
  }

  /** Whether an invocation may have sent without the ledger. */
  #mayRepeat({ isKilled, isTableUnreached }: Calls): boolean {
    return isKilled || isTableUnreached;
  }

  /** @returns undefined if the function was killed or threw, so that its caller repeats it */
  async #outcome<T>(calls: Calls, run: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await run();
      return calls.isKilled ? undefined : result;
    } catch (thrown) {
      const isExpected = calls.isKilled || ['NoResponse', 'LedgerUnavailable'].includes((thrown as Error).name);
      if (!isExpected) this.faults.push(`thrown: ${(thrown as Error).stack}`);
      return undefined;
    }
  }

  #registry() {
    return this.isPaused ? PAUSED : ACTIVE;
  }

  #ledger(calls: Calls): Ledger {
    const { log, now } = this;
    return createLedger({
      ...{ ...UNGUARDED, table: calls.table(this.table), claimedBy: 'test', log, counter: this.#counter, now },
      events: this.#operationalEvents,
      queueOutcome: (outcome) =>
        calls
          .make(async () => this.put(this.outcomes, JSON.stringify(outcome)), noResponse)
          .then(
            () => true,
            () => false,
          ),
    });
  }

  #sending({ calls, partner, limiter }: Going): DeliverOneServices {
    const sending = sendingServices([RESULTS[partner]], { now: this.now });
    return {
      ...sending,
      sender: {
        send: async (request) => {
          const webhookId = request.headers['webhook-id'] ?? '';
          const isKnown = !calls.isTableUnreached && !calls.isKilled;
          const deadlineMs = this.nowMs + request.timeoutMs;
          if (isKnown) this.#beginRequest(webhookId, deadlineMs);
          const result = await calls.make(() => sending.sender.send(request), noResponse);
          if (isKnown) this.#requests.delete(webhookId);
          if (this.nowMs >= deadlineMs) return failed('TIMEOUT');
          if (partner === 'cut') this.allowRepeat(webhookId);
          const isTaken = partner === 'ok' || partner === 'cut';
          if (isTaken) this.sent.push({ webhookId, atMs: this.nowMs, isKnowing: !calls.isTableUnreached });
          return result;
        },
      },
      limiter: limiterWith(limiter, this.now),
      integrations: { read: async () => this.#registry() },
      ledger: this.#ledger(calls),
      ...{ log: this.log, counter: this.#counter, random: () => 0.5 },
    };
  }

  /** An execution of that name, running or closed, counts as started. */
  #start({ calls, wakesAtOnce = false }: Going, delivery: Delivery) {
    return calls.make(async () => {
      const token = executionToken(delivery);
      const name = executionName(delivery.webhook_id, token);
      const standing = this.executions.get(name);
      const started = { ...delivery, token };
      if (standing === undefined) this.#add(name, started);
      const isSame = standing === undefined || standing.input === JSON.stringify(started);
      const isOwn = isSame && ['waits', 'runs', undefined].includes(standing?.state);
      const due = this.due().find((execution) => execution.name === name);
      if (wakesAtOnce && due !== undefined) await this.wake(due, quiet());
      return { token, isOwn };
    }, noResponse);
  }

  #add(name: string, delivery: Delivery): void {
    const dueAtMs = Date.parse(delivery.progress.due_at ?? '');
    this.executions.set(name, { name, delivery, input: JSON.stringify(delivery), state: 'waits', dueAtMs });
  }

  /** @returns the ids of messages without a response from SQS */
  async #send(calls: Calls, queue: Message[], messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>> {
    try {
      await calls.make(async () => {
        for (const { body, delaySeconds } of messages) this.put(queue, body, delaySeconds);
      }, noResponse);
      return new Set();
    } catch {
      return new Set(messages.map(({ id }) => id));
    }
  }

  async #deadLetter(calls: Calls, deadLetters: readonly OutgoingMessage[]): Promise<ReadonlySet<string>> {
    const queue: Message[] = [];
    const refused = await this.#send(calls, queue, deadLetters);
    this.deadLetters.push(...queue.map(({ body }) => JSON.parse(body)));
    return refused;
  }
}

function limiterWith(status: LimiterStatus, now: () => number): Limiter {
  const decisions: Readonly<Record<LimiterStatus, LimiterDecision>> = {
    open: { verdict: 'allow' },
    slow: { verdict: 'allow' },
    failing: { verdict: 'reject', reason: 'failing' },
    limited: { verdict: 'wait', atMs: now() + 30 * SECOND, isReserved: true },
  };
  return openLimiter({
    async acquire(_integration, requests) {
      return { decisions: requests.map(() => decisions[status]), isSlow: status === 'slow', wantsReport: false };
    },
  });
}

function noResponse(): Error {
  return Object.assign(new Error('no response'), { name: 'NoResponse' });
}

function remove<T>(list: T[], one: T): void {
  const at = list.indexOf(one);
  if (at !== -1) list.splice(at, 1);
}
