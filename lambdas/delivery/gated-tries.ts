import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, TaskResult } from '../contract/delivery.ts';
import type { Admission, Gate, GateTicket, WebhookSender } from '../contract/delivery-ports.ts';
import type { Integration } from '../contract/integration.ts';
import { MAX_PAUSE_MS } from '../domain/gate-limits.ts';
import { JITTER } from '../domain/retry-timing.ts';
import { park } from './park.ts';
import { ResponseTime } from './response-time.ts';
import { type Ready, type Tried, type TryDeliveryServices, tryDelivery } from './try-delivery.ts';

export interface GatedTriesServices extends TryDeliveryServices {
  readonly gate: Gate;
  /** Waits for some milliseconds; with a timer of Node.js by default. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** What became of a delivery at its integration's gate. */
export type Passage =
  | { readonly to: 'settled'; readonly result: TaskResult; readonly tried?: Pick<Tried, 'attempt' | 'answerStart'> }
  /** Not before this time; where that moment is its own, it is `reservedForMs` too. */
  | {
      readonly to: 'later';
      readonly atMs: number;
      readonly reservedForMs: number | undefined;
      /** For the operator. */
      readonly reason: string;
    }
  /** Untried, and to be tried where waiting for an answer holds up nobody else. */
  | { readonly to: 'workflow'; readonly reservedForMs: number | undefined };

/** A request without a response for so long makes its endpoint a slow one, in milliseconds of `ResponseTime`. */
const SLOW_AFTER_MS = 2000;

/** Deliveries on their way through the gate, once it has answered. Await all of them. */
export interface GatedTries {
  /** In the order they were given in: what becomes of each, as soon as it is known. Rejects with what its try threw. */
  readonly passages: readonly Promise<Passage>[];
  /** All tries have ended, and the gate knows how. Never rejects because a passage did. */
  readonly reported: Promise<void>;
}

/**
 * Takes deliveries of one integration through its gate, and tries those that may go out.
 *
 * @param isShared whether other integrations' deliveries wait for this function: then a slow endpoint is not tried here,
 * and a failing one not probed
 * @returns once the gate has answered, while the tries are under way
 */
export async function tryThroughGate(
  integration: Integration,
  ready: readonly Ready[],
  services: GatedTriesServices,
  isShared: boolean,
): Promise<GatedTries> {
  const { gate, pause = sleep } = services;
  const tickets = ready.map(({ delivery }) => ticketOf(delivery));
  const answer = await gate.admit(integration, tickets, { mayProbe: !isShared });
  const tried: Tried[] = [];
  let begun = 0;
  const passages = ready.map((one, index) => pass(one, answer.admissions[index] as Admission));
  const reported = Promise.allSettled(passages).then(() =>
    report(integration, tried, answer.wantsReport && begun > 0, gate),
  );
  return { passages, reported };

  async function pass(one: Ready, admission: Admission): Promise<Passage> {
    if (admission.verdict === 'parked') {
      const why = `integration ${integration.id} is ${admission.reason}`;
      return { to: 'settled', result: park(one.delivery, { cause: admission.reason, why }, services) };
    }
    const nowMs = services.now();
    const atMs = admission.verdict === 'now' ? nowMs : turnOf(admission, nowMs, services.random);
    const isLimited = integration.max_requests_per_minute !== undefined || answer.isSlow;
    const isOwn = admission.verdict === 'later' ? admission.isReserved : isLimited;
    const reservedForMs = isOwn ? atMs : undefined;
    const waitMs = atMs - nowMs;
    if (waitMs > MAX_PAUSE_MS) return { to: 'later', atMs, reservedForMs, reason: reasonToWait(answer.isSlow, isOwn) };
    if (isShared && answer.isSlow) return { to: 'workflow', reservedForMs };
    if (waitMs > 0) await pause(waitMs);
    begun += 1;
    const attempt = await tryNoticingSlowness(integration, one, services);
    tried.push(attempt);
    return { to: 'settled', result: attempt.result, tried: attempt };
  }
}

/**
 * A moment that is nobody's own is everybody's: they come up to a tenth of their wait later, each at another time. What
 * the gate expects to go out without asking again does so all the same: it may be the probe.
 */
function turnOf({ atMs, isReserved }: Extract<Admission, { verdict: 'later' }>, nowMs: number, random: () => number) {
  if (isReserved) return atMs;
  const waitMs = Math.max(0, atMs - nowMs);
  const lateMs = Math.round(waitMs * JITTER * random());
  return waitMs > MAX_PAUSE_MS ? atMs + lateMs : Math.min(atMs + lateMs, nowMs + MAX_PAUSE_MS);
}

function reasonToWait(isSlow: boolean, isReserved: boolean): string {
  if (isSlow) return 'the endpoint is slow';
  return isReserved ? 'over the rate limit' : 'the partner asked for a pause';
}

function ticketOf({ progress }: Delivery): GateTicket {
  return progress.reserved_for === undefined ? {} : { reservedForMs: Date.parse(progress.reserved_for) };
}

/** One try. What the gate hears of its time is what the endpoint took, and not what a secret or our own start did. */
async function tryNoticingSlowness(
  integration: Integration,
  ready: Ready,
  services: GatedTriesServices,
): Promise<Tried> {
  const { gate, now } = services;
  let tookMs = 0;
  const sender: WebhookSender = {
    async send(request) {
      const time = new ResponseTime(SLOW_AFTER_MS, () => void gate.reportSlow(integration), now);
      try {
        return await services.sender.send({ ...request, onProgress: (step) => time.note(step) });
      } finally {
        tookMs += time.stop();
      }
    },
  };
  return { ...(await tryDelivery(ready, integration, { ...services, sender })), tookMs };
}

/** Where it is wanted, that nothing can be told is told too: a probe that never reached the endpoint is given back. */
async function report(integration: Integration, tried: readonly Tried[], isWanted: boolean, gate: Gate): Promise<void> {
  const count = (state: Tried['endpoint']) => tried.filter(({ endpoint }) => endpoint === state).length;
  const [passed, failed, gone, throttled] = [count('alive'), count('failing'), count('gone'), count('throttled')];
  const holdMs = Math.max(0, ...tried.map((one) => one.holdMs));
  if (failed === 0 && gone === 0 && throttled === 0 && holdMs === 0 && !isWanted) return;
  const tookMs = mean(tried.filter(({ endpoint }) => endpoint !== 'unknown').map((one) => one.tookMs));
  await gate.report(integration, { passed, failed, isGone: gone > 0, isThrottled: throttled > 0, holdMs, tookMs });
}

/** A whole number; of none 0. */
function mean(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : Math.round(numbers.reduce((sum, one) => sum + one) / numbers.length);
}
