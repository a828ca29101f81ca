import { setTimeout as sleep } from 'node:timers/promises';
import { reportIfCritical } from '../events/critical-dead.ts';
import { PARKED_REASON_OF } from '../events/operational-event.ts';
import type { Slot } from '../events/progress.ts';
import { JITTER } from '../events/retry-timing.ts';
import type { IntegrationNotices } from '../ledger/integration-notices.ts';
import type { Limiter, LimiterDecision, LimiterReport, SlotRequest } from '../limiter/limiter.ts';
import { MAX_IN_FUNCTION_WAIT_MS } from '../limiter/limiter-settings.ts';
import { rejectionText } from '../limiter/rejection.ts';
import type { Integration } from '../partners/integration.ts';
import type { WebhookSender } from '../partners/webhook-sender.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import { ResponseTime } from '../shared/response-time.ts';
import {
  type AttemptDeliveryServices,
  type Attempted,
  attemptDelivery,
  type Ready,
  throttledSlot,
  throttledTooLong,
} from './attempt-delivery.ts';
import { park } from './parking.ts';
import type { DeliveryOutcome } from './settle.ts';

export interface LimitedAttemptsServices extends AttemptDeliveryServices {
  readonly limiter: Limiter;
  readonly notices: Pick<IntegrationNotices, 'parked' | 'resumed'>;
  /** Waits for some milliseconds. Default: a Node.js timer. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** The outcome of a delivery after the limiter's decision, and after the attempt that it allowed. */
export type LimitedOutcome =
  | ({ readonly to: 'settle' } & DeliveryOutcome)
  /** To be attempted at this time, in epoch milliseconds, or later. */
  | {
      readonly to: 'wait';
      readonly atMs: number;
      readonly slot: Slot;
      /** For the operator. */
      readonly reason: string;
      /** The attempt that the partner throttled; absent if none was made. */
      readonly attempted?: Attempted;
    }
  /** Not attempted here, because the endpoint is slow: in the workflow it does not block other integrations. */
  | { readonly to: 'workflow'; readonly slot: Slot };

/** A request without a response for longer than this is reported as slow, in milliseconds of `ResponseTime`. */
const SLOW_AFTER_MS = 2000;

/** Attempts in progress. The caller must await all promises. */
export interface LimitedAttempts {
  /** In the order of the deliveries, each settled when it is known. Rejects with its attempt's error. */
  readonly outcomes: readonly Promise<LimitedOutcome>[];
  /**
   * Resolves when all attempts have ended, the limiter has their reports, and what those changed is announced, even if an
   * attempt failed.
   */
  readonly reported: Promise<void>;
}

/**
 * Asks the limiter for the deliveries of one integration, and attempts those that it allows.
 *
 * @param isShared whether other integrations' deliveries wait for this function: if so, slow endpoints are not attempted here,
 * and failing ones are not probed
 * @returns when the limiter has decided; the attempts are still in progress
 */
export async function attemptWithinLimits(
  integration: Integration,
  ready: readonly Ready[],
  services: LimitedAttemptsServices,
  isShared: boolean,
): Promise<LimitedAttempts> {
  const { limiter, pause = sleep } = services;
  const requests = ready.map(({ delivery }) => slotRequestOf(delivery.progress));
  const response = await limiter.acquire(integration, requests, { mayProbe: !isShared });
  const unreported = new Set<MeasuredAttempt>();
  let begun = 0;
  let isThrottled = false;
  let announced: Promise<void> = Promise.resolve();
  const outcomes = ready.map((one, index) => follow(one, response.decisions[index] as LimiterDecision));
  return { outcomes, reported: reportRest() };

  async function reportRest(): Promise<void> {
    await Promise.allSettled(outcomes);
    await report([...unreported], response.wantsReport && begun > 0);
    await announced;
  }

  async function follow(one: Ready, decision: LimiterDecision): Promise<LimitedOutcome> {
    if (decision.verdict === 'reject') return parked(one, decision);
    const waiting = placed(decision);
    if (waiting.waitMs > MAX_IN_FUNCTION_WAIT_MS) return wait(one, waiting);
    if (isShared && response.isSlow) return { to: 'workflow', slot: waiting.slot };
    if (waiting.waitMs > 0) await pause(waiting.waitMs);
    // The partner throttled another attempt meanwhile, so this one would be refused too.
    if (isThrottled) return askAgain(one, waiting.slot);
    begun += 1;
    const attempted = await measureAttempt(integration, one, services);
    unreported.add(attempted);
    if (attempted.endpoint !== 'throttled') return { to: 'settle', result: attempted.result, attempted };
    isThrottled = true;
    // At once, because other functions would send until the last attempt of this batch has ended.
    const passed = [...unreported].filter(({ endpoint }) => endpoint === 'alive');
    for (const each of [...passed, attempted]) unreported.delete(each);
    await report([...passed, attempted], true);
    if (attempted.result.outcome !== 'retry') return { to: 'settle', result: attempted.result, attempted };
    return askAgain(one, {}, attempted);
  }

  /** Asks for a slot for an attempt that is not sent now. After a refusal it gets one at the adapted pace. */
  async function askAgain(one: Ready, slot: Slot, attempted?: Attempted): Promise<LimitedOutcome> {
    const { decisions } = await limiter.acquire(integration, [slotRequestOf(slot)], { mayProbe: false });
    const [decision] = decisions as [LimiterDecision];
    if (decision.verdict === 'reject') return { ...parked(one, decision), ...(attempted && { attempted }) };
    return wait(one, placed(decision), attempted);
  }

  function parked({ delivery }: Ready, { reason }: Extract<LimiterDecision, { verdict: 'reject' }>) {
    const parking = { cause: reason, why: rejectionText(integration.id, reason) };
    return { to: 'settle', result: park(delivery, parking, services) } as const;
  }

  function wait({ delivery }: Ready, { atMs, slot, isReserved }: Placed, attempted?: Attempted): LimitedOutcome {
    const reason = attempted?.result.reason ?? reasonToWait(response.isSlow, isReserved, slot);
    const throttled = attempted !== undefined || slot.queue_position !== undefined;
    const tooLong = throttled ? throttledTooLong(delivery, reason, services.now()) : undefined;
    if (tooLong !== undefined) {
      services.counter.count(METRICS.deliveryDead);
      reportIfCritical(delivery, services);
      return { to: 'settle', result: tooLong, attempted };
    }
    return {
      to: 'wait',
      atMs,
      slot: { ...slot, ...(throttled && throttledSlot(delivery, services.now())) },
      reason,
      ...(attempted && { attempted }),
    };
  }

  function placed(decision: Exclude<LimiterDecision, { verdict: 'reject' }>): Placed {
    const nowMs = services.now();
    const atMs = decision.verdict === 'allow' ? nowMs : sendTime(decision, nowMs, services.random);
    const isLimited = integration.max_requests_per_minute !== undefined || response.isSlow;
    const isReserved = decision.verdict === 'wait' ? decision.isReserved : isLimited;
    const slot = {
      ...(isReserved && { reserved_for: new Date(atMs).toISOString() }),
      ...(decision.position !== undefined && { queue_position: decision.position }),
    };
    return { atMs, waitMs: atMs - nowMs, slot, isReserved };
  }

  /** @param isWanted whether the limiter needs an empty report too, which releases a probe that never reached the endpoint */
  async function report(attempts: readonly MeasuredAttempt[], isWanted: boolean): Promise<void> {
    const count = (state: Attempted['endpoint']) => attempts.filter(({ endpoint }) => endpoint === state).length;
    const [passed, failed, gone] = [count('alive'), count('failing'), count('gone')];
    const retryAfterMs = Math.max(0, ...attempts.map((one) => one.retryAfterMs));
    if (failed === 0 && gone === 0 && retryAfterMs === 0 && !isWanted) return;
    const certificate = certificateFailures(attempts);
    const change = await limiter.report(integration, {
      passed,
      failed,
      isGone: gone > 0,
      ...(certificate !== undefined && { certificate }),
      throttled: count('throttled'),
      retryAfterMs,
      tookMs: mean(attempts.filter(({ endpoint }) => endpoint !== 'unknown').map((one) => one.endpointMs)),
      sentAgoMs: attempts.length === 0 ? 0 : services.now() - Math.max(...attempts.map(({ begunAtMs }) => begunAtMs)),
    });
    // One after the other, and no outcome waits for it, since ledger and event bus may take seconds.
    announced = announced.then(() => announce(change));
  }

  async function announce(change: Awaited<ReturnType<Limiter['report']>>): Promise<void> {
    const { notices, log, counter } = services;
    if (change === 'resumed') return notices.resumed(integration.id, 'endpoint_responded');
    if (change === undefined) return;
    const { reason, isNew } = change;
    counter.count(METRICS.integrationParked);
    log.warn('integration.parked', { integration_id: integration.id, reason, is_new: isNew });
    // Not only of a new one: the function that parked it may have been killed before its write.
    await notices.parked(integration.id, PARKED_REASON_OF[reason]);
  }
}

/** The limiter's decision about one delivery. */
interface Placed {
  readonly atMs: number;
  readonly waitMs: number;
  readonly slot: Slot;
  readonly isReserved: boolean;
}

/**
 * Without a reservation many deliveries would retry at the same instant, so add up to 10% jitter. An attempt that is sent
 * without asking again stays within the longest in-function wait, because it may be the probe.
 */
function sendTime(
  { atMs, isReserved, position }: Extract<LimiterDecision, { verdict: 'wait' }>,
  nowMs: number,
  random: () => number,
) {
  if (isReserved || position !== undefined) return atMs;
  const waitMs = Math.max(0, atMs - nowMs);
  const lateMs = Math.round(waitMs * JITTER * random());
  return waitMs > MAX_IN_FUNCTION_WAIT_MS ? atMs + lateMs : Math.min(atMs + lateMs, nowMs + MAX_IN_FUNCTION_WAIT_MS);
}

function reasonToWait(isSlow: boolean, isReserved: boolean, { queue_position }: Slot): string {
  if (queue_position !== undefined) return 'the partner throttles requests';
  if (isSlow) return 'the endpoint is slow';
  return isReserved ? 'over the rate limit' : 'the partner asked for a pause';
}

function slotRequestOf({ reserved_for, queue_position }: Slot): SlotRequest {
  return {
    ...(reserved_for !== undefined && { reservedForMs: Date.parse(reserved_for) }),
    ...(queue_position !== undefined && { position: queue_position }),
  };
}

interface MeasuredAttempt extends Attempted {
  /** How long the endpoint took for the attempt's requests, in milliseconds; 0 if none was sent. */
  readonly endpointMs: number;
  /** Epoch milliseconds. */
  readonly begunAtMs: number;
}

/** Makes one attempt, and measures the endpoint's time for the limiter, without reading the secret or a cold start. */
async function measureAttempt(
  integration: Integration,
  ready: Ready,
  services: LimitedAttemptsServices,
): Promise<MeasuredAttempt> {
  const { limiter, now } = services;
  const begunAtMs = now();
  let endpointMs = 0;
  const sender: WebhookSender = {
    async send(request) {
      const time = new ResponseTime(SLOW_AFTER_MS, () => void limiter.reportSlow(integration), now);
      try {
        return await services.sender.send({ ...request, onProgress: (step) => time.record(step) });
      } finally {
        endpointMs += time.stop();
      }
    },
  };
  const attempted = await attemptDelivery(ready, integration, { ...services, sender });
  return { ...attempted, endpointMs, begunAtMs };
}

/** Attempts of one function share a token request, and so its connection: it counts once. */
function certificateFailures(attempts: readonly Attempted[]): LimiterReport['certificate'] {
  const found = attempts.flatMap(({ certificate }) => certificate ?? []);
  const last = found.at(-1);
  if (last === undefined) return undefined;
  const ofTokenServer = found.filter(({ isTokenServer }) => isTokenServer).length;
  return { fault: last.fault, failures: found.length - Math.max(0, ofTokenServer - 1) };
}

/** Rounded mean; 0 without numbers. */
function mean(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : Math.round(numbers.reduce((sum, one) => sum + one) / numbers.length);
}
