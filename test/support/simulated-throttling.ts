import { setImmediate } from 'node:timers/promises';
import { attemptWithinLimits, type LimitedOutcome } from '../../lambdas/delivery/limited-attempts.ts';
import type { Delivery, Progress } from '../../lambdas/events/delivery.ts';
import { waiting } from '../../lambdas/events/progress.ts';
import { withWaitCounted } from '../../lambdas/events/workflow-waits.ts';
import type { Limiter, LimiterResponse } from '../../lambdas/limiter/limiter.ts';
import { limiterKey } from '../../lambdas/limiter/limiter-record.ts';
import {
  acquireCommand,
  type LimiterCommand,
  readLimiterReply,
  reportCommand,
  runLimiterScript,
  slowCommand,
} from '../../lambdas/limiter/limiter-script.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import type { SendResult } from '../../lambdas/partners/webhook-sender.ts';
import type { ValkeyClient } from '../../lambdas/valkey/client.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, NOW } from './factories.ts';
import { responded, sendingServices } from './sending.ts';

/** A partner that accepts `limit` requests per window, and responds 429 to all others. */
export interface ThrottlingPartner {
  readonly limit: number;
  readonly windowMs: number;
  /** `fixed`: windows by its own clock. `sliding`: no more than the limit in any window. */
  readonly kind: 'fixed' | 'sliding';
  readonly hasRetryAfter: boolean;
}

export interface Storm {
  readonly client: ValkeyClient;
  readonly integration: Integration;
  readonly partner: ThrottlingPartner;
  readonly events: number;
  /** Environments of DeliverBatch that run at a time. */
  readonly environments: number;
  readonly seed: number;
  /** The workflow attempts all deliveries, as with a timeout that is too long for the queue. */
  readonly isWorkflowOnly?: boolean;
  /** Time between two events that are published; 0: all together. */
  readonly everyMs?: number;
  /** Duration of a request, from and to. */
  readonly latencyMs?: readonly [number, number];
  /** Ends the simulation after this time. */
  readonly limitMs?: number;
}

export interface StormResult {
  /** When the last event was delivered, after the first was published. */
  readonly tookMs: number;
  readonly requests: readonly { readonly atMs: number; readonly isAccepted: boolean }[];
  readonly refused: number;
  readonly inFlightAtFirst429: number;
  readonly delivered: number;
  readonly dead: number;
  /** How many times a delivery asked the limiter. */
  readonly asks: number;
  /** Deliveries that entered the workflow. */
  readonly workflows: number;
  /** Most waits in the workflow of any delivery. */
  readonly mostWaits: number;
  /** Most attempts that any delivery spent. */
  readonly mostAttempts: number;
}

const BATCH_SIZE = 10;
const SECOND = 1_000;
/** SQS's longest delay. */
const MAX_DELAY_MS = 900 * SECOND;
/** From a message that is due to the function's start, and the same for a task of the workflow. */
const QUEUE_MS = 20;
const WORKFLOW_MS = 150;

/**
 * The delivery functions' own code and the limiter's script on a virtual clock, at a partner that throttles. Queue and workflow
 * are modelled: whole seconds of delay, batches of ten, a number of environments.
 */
export async function simulateStorm(storm: Storm): Promise<StormResult> {
  const {
    client,
    integration,
    partner,
    events,
    environments,
    seed,
    isWorkflowOnly,
    everyMs = 0,
    latencyMs = [20, 80],
  } = storm;
  const random = seeded(seed);
  const clock = new VirtualClock(NOW);
  const respond = partnerOf(partner, random() * partner.windowMs);
  const requests: { atMs: number; isAccepted: boolean }[] = [];
  let [inFlight, inFlightAtFirst429, delivered, dead, asks, workflows, mostAttempts, mostWaits] = [
    0, 0, 0, 0, 0, 0, 0, 0,
  ];
  let idle = environments;
  let lastMs = NOW;
  const queue: Delivery[] = [];

  async function run(command: LimiterCommand): Promise<unknown> {
    return clock.outside(runLimiterScript(client, limiterKey(integration), command, clock.nowMs));
  }
  const limiter: Limiter = {
    async acquire(_integration, slots, { mayProbe }) {
      asks += slots.length;
      const reply = await run(acquireCommand(integration, { requests: slots, mayProbe, slowAttempts: 10 }));
      return readLimiterReply(reply, slots.length) as LimiterResponse;
    },
    async report(_integration, report) {
      await run(reportCommand(integration, report));
    },
    async reportSlow() {
      await run(slowCommand(integration));
    },
  };
  async function send(): Promise<SendResult> {
    inFlight += 1;
    const tookMs = latencyMs[0] + random() * (latencyMs[1] - latencyMs[0]);
    await clock.wait(tookMs / 2);
    const retryAfter = respond(clock.nowMs);
    requests.push({ atMs: clock.nowMs - NOW, isAccepted: retryAfter === undefined });
    await clock.wait(tookMs / 2);
    if (retryAfter !== undefined && inFlightAtFirst429 === 0) inFlightAtFirst429 = inFlight;
    inFlight -= 1;
    if (retryAfter === undefined) return responded(200);
    return responded(429, partner.hasRetryAfter ? { retryAfter: `${retryAfter}` } : {});
  }
  const services = {
    ...sendingServices([], { now: () => clock.nowMs }),
    sender: { send },
    ...{ limiter, log: fakeLog(), counter: fakeCounter(), random, pause: (ms: number) => clock.wait(ms) },
  };

  function takeBatches(): void {
    while (idle > 0 && queue.length > 0) {
      idle -= 1;
      const batch = queue.splice(0, BATCH_SIZE);
      void attempt(batch, true).then(() => {
        idle += 1;
        clock.at(clock.nowMs, takeBatches);
      });
    }
  }
  function enqueue(one: Delivery, atMs: number): void {
    clock.at(atMs + QUEUE_MS, () => {
      queue.push(one);
      clock.at(clock.nowMs, takeBatches);
    });
  }
  function wake(one: Delivery, atMs: number): void {
    clock.at(Math.max(clock.nowMs, atMs) + WORKFLOW_MS, () => void attempt([one], false));
  }
  async function attempt(batch: readonly Delivery[], isShared: boolean): Promise<void> {
    const ready = batch.map((one) => ({ delivery: one, enrichment: ENRICHED }));
    const { outcomes, reported } = await attemptWithinLimits(integration, ready, services, isShared);
    await Promise.all([
      ...outcomes.map(async (outcome, index) => passOn(batch[index] as Delivery, await outcome, isShared)),
      reported,
    ]);
  }
  function passOn(one: Delivery, outcome: LimitedOutcome, isShared: boolean): void {
    if (outcome.to === 'settle') {
      const progress = outcome.result as Progress;
      mostAttempts = Math.max(mostAttempts, progress.attempt);
      if (progress.outcome === 'delivered') [delivered, lastMs] = [delivered + 1, clock.nowMs];
      else if (progress.outcome === 'retry') toWorkflow({ ...one, progress }, Date.parse(progress.due_at ?? ''));
      else dead += 1;
      return;
    }
    const atMs = outcome.to === 'wait' ? outcome.atMs : clock.nowMs;
    const waited = waiting(one, '', atMs, outcome.slot);
    const next = { ...one, progress: isShared ? waited : withWaitCounted(one, waited, services) };
    mostWaits = Math.max(mostWaits, next.progress.waits ?? 0);
    const delayMs = SECOND * Math.max(0, Math.floor((atMs - clock.nowMs) / SECOND));
    if (isShared && outcome.to === 'wait' && delayMs <= MAX_DELAY_MS) enqueue(next, clock.nowMs + delayMs);
    else toWorkflow(next, atMs);
  }
  function toWorkflow(one: Delivery, atMs: number): void {
    workflows += 1;
    wake(one, atMs);
  }

  for (let index = 0; index < events; index += 1) {
    const one = delivery(ENRICHED, { event_id: `event-${index}` });
    if (isWorkflowOnly) wake(one, NOW + index * everyMs);
    else enqueue(one, NOW + index * everyMs);
  }
  await clock.run(NOW + (storm.limitMs ?? 24 * 3600 * SECOND));
  const refused = requests.filter(({ isAccepted }) => !isAccepted).length;
  const tookMs = lastMs - NOW;
  return { tookMs, requests, refused, inFlightAtFirst429, delivered, dead, asks, workflows, mostAttempts, mostWaits };
}

/** @returns the seconds of `Retry-After` if a request at this time is refused */
function partnerOf(
  { limit, windowMs, kind }: ThrottlingPartner,
  offsetMs: number,
): (nowMs: number) => number | undefined {
  const accepted: number[] = [];
  return (nowMs) => {
    const startMs = kind === 'fixed' ? nowMs - ((nowMs + offsetMs) % windowMs) : nowMs - windowMs;
    while (accepted.length > 0 && (accepted[0] as number) < startMs) accepted.shift();
    if (accepted.length < limit) {
      accepted.push(nowMs);
      return undefined;
    }
    const freeMs = kind === 'fixed' ? startMs + windowMs : (accepted[0] as number) + windowMs;
    return Math.max(1, Math.ceil((freeMs - nowMs) / SECOND));
  };
}

/** Time passes only when nothing is left to do. */
class VirtualClock {
  nowMs: number;
  #outside = 0;
  #order = 0;
  readonly #timers: { atMs: number; order: number; run: () => void }[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  at(atMs: number, run: () => void): void {
    const timer = { atMs: Math.max(this.nowMs, atMs), order: this.#order++, run };
    // A binary heap would be longer, and no faster for some hundred timers.
    let [low, high] = [0, this.#timers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle] as typeof timer).atMs > timer.atMs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.nowMs + ms, resolve));
  }

  /** The result of a call that takes no virtual time. */
  async outside<T>(call: Promise<T>): Promise<T> {
    this.#outside += 1;
    try {
      return await call;
    } finally {
      this.#outside -= 1;
    }
  }

  async run(untilMs: number): Promise<void> {
    for (;;) {
      do await setImmediate();
      while (this.#outside > 0);
      const next = this.#timers.pop();
      if (next === undefined || next.atMs > untilMs) return;
      this.nowMs = next.atMs;
      next.run();
    }
  }
}

/** Mulberry32: numbers of at least 0 and less than 1. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
