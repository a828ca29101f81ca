import type { LimiterReport } from '../../lambdas/limiter/limiter.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export const allowed = { verdict: 'allow' } as const;
export const failing = { verdict: 'reject', reason: 'failing' } as const;
export const gone = { verdict: 'reject', reason: 'gone' } as const;
export const reserved = (atMs: number) => ({ verdict: 'wait', atMs, isReserved: true }) as const;
export const unreserved = (atMs: number) => ({ verdict: 'wait', atMs, isReserved: false }) as const;

/** A report of the attempts in `about` only. */
export function reportOf(about: Partial<LimiterReport>): LimiterReport {
  return { passed: 0, failed: 0, isGone: false, throttled: 0, retryAfterMs: 0, tookMs: 0, sentAgoMs: 0, ...about };
}
