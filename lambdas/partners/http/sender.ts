import { lookup } from 'node:dns';
import { IO_DEADLINES } from '../../shared/io-deadlines.ts';
import type { SendResult, WebhookRequest, WebhookSender } from '../webhook-sender.ts';
import { createAddressGuard } from './address-guard.ts';
import { ConnectionPool } from './connection-pool.ts';
import { exchange } from './exchange.ts';
import { guardedLookup, type LookupAll } from './guarded-lookup.ts';
import { createTargetFinder, type Target } from './target.ts';

/** Connections per origin and execution environment (requirement W10: 30 per host). */
const MAX_SOCKETS_PER_ORIGIN = 30;

export interface HttpsSenderOptions {
  /** Whether the stage permits unencrypted HTTP (`local` does). */
  readonly allowPlainHttp: boolean;
  /** Networks that may be reached although they are not public, in CIDR notation. */
  readonly allowedCidrs: readonly string[];
  readonly allowedPorts: readonly number[] | 'any';
  /** The wall clock, in milliseconds: it goes on while the environment is frozen. */
  readonly now?: () => number;
  readonly lookup?: LookupAll;
  /** The longest wait for the body after the head, in milliseconds; 2,000 by default. */
  readonly bodyWaitMs?: number;
}

/**
 * Creates a sender that POSTs to partners over keep-alive connections. It never follows redirects. The status decides,
 * even if the rest of the response is faulty; at most 64 KiB of a body are read. The address of every new connection is
 * checked.
 *
 * @throws EnvironmentInvalid if `allowedCidrs` has an invalid network
 */
export function createHttpsSender(options: HttpsSenderOptions): WebhookSender {
  const isAllowed = createAddressGuard(options.allowedCidrs);
  const findTarget = createTargetFinder(options, isAllowed);
  const nowMs = options.now ?? Date.now;
  const bodyWaitMs = options.bodyWaitMs ?? IO_DEADLINES.sender.bodyWaitMs;
  const pool = new ConnectionPool({
    lookup: guardedLookup(isAllowed, options.lookup ?? lookup, nowMs),
    isAllowed,
    nowMs,
  });
  const slots = new OriginSlots();

  async function sendTo(target: Target, request: WebhookRequest, startedAtMs: number): Promise<SendResult> {
    const deadlineMs = startedAtMs + request.timeoutMs;
    const options = { target, request, pool, startedAtMs, deadlineMs, bodyWaitMs };
    const first = await exchange(options);
    if (!first.isStale) return first.result;
    // A partner may close an idle connection just as it is reused, and has probably closed the others too. Repeat the request
    // once on a new connection, within the same deadline.
    pool.discardAll(target, request.clientCertificate);
    return (await exchange(options)).result;
  }

  return {
    async send(request) {
      const startedAtMs = performance.now();
      const target = findTarget(request.url);
      if (typeof target === 'string') return { kind: 'failed', code: target };
      if (!(await slots.acquire(target.origin, request.timeoutMs))) {
        return { kind: 'failed', code: 'TIMEOUT', timings: { totalMs: performance.now() - startedAtMs } };
      }
      try {
        return await sendTo(target, request, startedAtMs);
      } finally {
        slots.release(target.origin);
      }
    },
  };
}

/**
 * Limits the concurrent requests to one origin. Further requests wait in order, without affecting other origins. Not
 * `maxSockets` of Node's agent: a request that waits there cannot be cancelled, and its `reusedSocket` is not set.
 */
class OriginSlots {
  readonly #origins = new Map<string, { taken: number; readonly waiting: Set<() => void> }>();

  /** @returns whether a slot became free in time; if so, the caller must release it */
  acquire(origin: string, timeoutMs: number): boolean | Promise<boolean> {
    let slots = this.#origins.get(origin);
    if (slots === undefined) {
      slots = { taken: 0, waiting: new Set() };
      this.#origins.set(origin, slots);
    }
    if (slots.taken >= MAX_SOCKETS_PER_ORIGIN) return inTurn(slots.waiting, timeoutMs);
    slots.taken += 1;
    return true;
  }

  release(origin: string): void {
    const slots = this.#origins.get(origin);
    if (slots === undefined) return;
    const [next] = slots.waiting;
    // A slot that passes to the next request stays taken.
    if (next !== undefined) next();
    else slots.taken -= 1;
    if (slots.taken === 0) this.#origins.delete(origin);
  }
}

function inTurn(waiting: Set<() => void>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const leave = (isAcquired: boolean) => {
      clearTimeout(timer);
      waiting.delete(take);
      resolve(isAcquired);
    };
    const take = () => leave(true);
    const timer = setTimeout(leave, timeoutMs, false);
    waiting.add(take);
  });
}
