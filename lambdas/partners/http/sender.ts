import { lookup } from 'node:dns';
import { IO_DEADLINES } from '../../shared/io-deadlines.ts';
import type { SendResult, WebhookRequest, WebhookSender } from '../webhook-sender.ts';
import { createAddressGuard } from './address-guard.ts';
import { exchange } from './exchange.ts';
import { guardedLookup, type LookupAll } from './guarded-lookup.ts';
import { KeepAliveSockets } from './keep-alive-sockets.ts';
import { OriginSlots } from './origin-slots.ts';
import { createTargetFinder, type Target } from './target.ts';

/** Connections to one partner's host and port from one function environment (document 003: 30 per host). */
const MAX_SOCKETS_PER_ORIGIN = 30;

export interface HttpsSenderOptions {
  /** Whether the stage lets a webhook go out unencrypted (`local` does). */
  readonly allowPlainHttp: boolean;
  /** Networks that may be reached although they are not public, in CIDR notation. */
  readonly allowedCidrs: readonly string[];
  readonly allowedPorts: readonly number[] | 'any';
  /** Wall clock, ms: it goes on while the sandbox is frozen. */
  readonly now?: () => number;
  readonly lookup?: LookupAll;
  /** Longest wait for the body after status and headers, in milliseconds; 2,000 where it says nothing. */
  readonly bodyWaitMs?: number;
}

/**
 * POSTs to partners, over connections kept alive. Redirects are answers like any other, and never followed. The status
 * decides, whatever comes after it; of a response 64 KiB are read at most. Every new connection goes to an address that was checked as it was made.
 *
 * @throws EnvironmentInvalid where `allowedCidrs` holds something else
 */
export function createHttpsSender(options: HttpsSenderOptions): WebhookSender {
  const isAllowed = createAddressGuard(options.allowedCidrs);
  const findTarget = createTargetFinder(options, isAllowed);
  const now = options.now ?? Date.now;
  const bodyWaitMs = options.bodyWaitMs ?? IO_DEADLINES.sender.bodyWaitMs;
  const sockets = new KeepAliveSockets(guardedLookup(isAllowed, options.lookup ?? lookup, now), now);
  const slots = new OriginSlots(MAX_SOCKETS_PER_ORIGIN);

  async function sendTo(target: Target, request: WebhookRequest, startedAtMs: number): Promise<SendResult> {
    const deadlineMs = startedAtMs + request.timeoutMs;
    const once = () =>
      exchange({ target, request, agent: sockets.agentFor(target), isAllowed, startedAtMs, deadlineMs, bodyWaitMs });
    const first = await once();
    if (!first.isStale) return first.result;
    // A partner may close a kept connection just as it is used again, and has probably closed the others that were kept
    // as long. A fresh one settles whether the partner is well; the deadline stays the same.
    sockets.discardAll(target);
    return (await once()).result;
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
