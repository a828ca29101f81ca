import { MINUTE_MS } from '../shared/durations.ts';

/** One of an integration's signing secrets. */
export interface SigningSecret {
  /** `whsec_` and base64. */
  readonly secret: string;
  /** Its `not_after`, in epoch milliseconds; Infinity if it has none. */
  readonly notAfterMs: number;
}

/**
 * Webhooks are signed for this long after a `not_after`: until then the partner may verify with that secret alone, and its
 * clock may be behind. Partners tolerate the same difference of `webhook-timestamp` (Standard Webhooks 1.0.0). One more
 * signature does no harm to a partner that has switched.
 */
export const CLOCK_SKEW_MS = 5 * MINUTE_MS;

/** The secrets that sign until a time, in epoch milliseconds. */
export interface SigningPeriod {
  readonly untilMs: number;
  /** Newest first; at least one. */
  readonly secrets: readonly string[];
}

/**
 * The periods between the ends of signing secrets, so that signing compares one number. If every secret ends, the newest
 * signs on after that: a webhook without a valid signature would be refused.
 *
 * @param signingSecrets newest first; at least one
 * @returns the periods in order, the last one without an end; undefined if no secret ends
 */
export function signingPeriods(signingSecrets: readonly SigningSecret[]): readonly SigningPeriod[] | undefined {
  const ends = new Set(signingSecrets.map(({ notAfterMs }) => notAfterMs).filter(Number.isFinite));
  if (ends.size === 0) return undefined;
  const periods = [...ends, Number.POSITIVE_INFINITY]
    .sort((one, other) => one - other)
    .map((endMs) => ({
      untilMs: endMs + CLOCK_SKEW_MS,
      secrets: signingSecrets.filter(({ notAfterMs }) => notAfterMs >= endMs).map(({ secret }) => secret),
    }));
  const newest = signingSecrets.slice(0, 1).map(({ secret }) => secret);
  return periods.map((period) => (period.secrets.length > 0 ? period : { ...period, secrets: newest }));
}

/** The signing secrets of a secret, as `integration-secret.ts` parses it. */
export interface SigningSecrets {
  readonly signing_secrets: readonly string[];
  readonly signing_periods?: readonly SigningPeriod[] | undefined;
}

/** The secrets that sign at a time, newest first; the same array for every call within one period. */
export function signingSecretsAt({ signing_secrets, signing_periods }: SigningSecrets, nowMs: number) {
  if (signing_periods === undefined) return signing_secrets;
  return signing_periods.find(({ untilMs }) => nowMs < untilMs)?.secrets ?? signing_secrets;
}
