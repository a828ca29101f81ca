import type { IntegrationSecret } from '../../lambdas/partners/integration-secret.ts';

/**
 * How long after the new signing secret is stored the partner may rely on it, in seconds: functions cache a secret for
 * 15 minutes, and 5 more allow for a slow one and for clocks that differ.
 */
export const USUAL_WAIT_SECONDS = 1200;

/** What a rotation does next. The secret itself shows it, so an interrupted rotation continues where it was. */
export type RotationStep =
  /** No rotation is in progress: store a new signing secret before the old one. */
  | { readonly step: 'make' }
  /** Two are stored; functions may still sign with the old one alone, in epoch milliseconds. */
  | { readonly step: 'wait'; readonly untilMs: number }
  /** Every webhook carries both signatures: the partner can switch, then the old one can go. */
  | { readonly step: 'switch' };

export interface RotationState {
  /** Newest first. */
  readonly signingSecrets: IntegrationSecret['signing_secrets'];
  /** When the secret was last written, in epoch milliseconds: a later change of another key only lengthens the wait. */
  readonly writtenAtMs: number;
  readonly nowMs: number;
  readonly waitMs: number;
}

export function nextStep({ signingSecrets, writtenAtMs, nowMs, waitMs }: RotationState): RotationStep {
  if (signingSecrets.length < 2) return { step: 'make' };
  const untilMs = writtenAtMs + waitMs;
  return nowMs < untilMs ? { step: 'wait', untilMs } : { step: 'switch' };
}

type Fields = Readonly<Record<string, unknown>>;

/** The secret's fields with a new signing secret before the others; every other key as it is. */
export function withNewSigningSecret(fields: Fields, signingSecrets: readonly string[], made: string): Fields {
  return { ...fields, signing_secrets: [made, ...signingSecrets] };
}

/** The secret's fields with the newest signing secret alone. */
export function withNewestSigningSecret(fields: Fields, [newest]: readonly string[]): Fields {
  return { ...fields, signing_secrets: [newest] };
}
