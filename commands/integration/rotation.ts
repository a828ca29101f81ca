import { CLOCK_SKEW_MS, type SigningSecret } from '../../lambdas/partners/signing-periods.ts';
import { shortTime } from '../shared/time-span.ts';

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
  /** Those that sign, newest first. */
  readonly signingSecrets: readonly SigningSecret[];
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

/** Whether no webhook is signed with it any more. */
export function hasEnded({ notAfterMs }: SigningSecret, nowMs: number): boolean {
  return nowMs >= notAfterMs + CLOCK_SKEW_MS;
}

/** The signing secrets that sign: without those that have ended, or the newest one if all have. */
export function withoutEnded(signingSecrets: readonly SigningSecret[], nowMs: number): readonly SigningSecret[] {
  const lasting = signingSecrets.filter((one) => !hasEnded(one, nowMs));
  return lasting.length > 0 ? lasting : signingSecrets.slice(0, 1).map(withoutEnd);
}

/** The secret's fields with a new signing secret before the others; every other key as it is. */
export function withNewSigningSecret(fields: Fields, signingSecrets: readonly SigningSecret[], made: string): Fields {
  return withSigningSecrets(fields, [{ secret: made, notAfterMs: Number.POSITIVE_INFINITY }, ...signingSecrets]);
}

/** The secret's fields with the newest signing secret alone. */
export function withNewestSigningSecret(fields: Fields, signingSecrets: readonly SigningSecret[]): Fields {
  return withSigningSecrets(fields, signingSecrets.slice(0, 1).map(withoutEnd));
}

/** The secret's fields with an end of all signing secrets but the newest, which gets none. @param endMs whole seconds */
export function withEndOfOlder(fields: Fields, [newest, ...older]: readonly SigningSecret[], endMs: number): Fields {
  const ending = older.map(({ secret }) => ({ secret, notAfterMs: endMs }));
  return withSigningSecrets(fields, [...(newest === undefined ? [] : [withoutEnd(newest)]), ...ending]);
}

function withoutEnd({ secret }: SigningSecret): SigningSecret {
  return { secret, notAfterMs: Number.POSITIVE_INFINITY };
}

function withSigningSecrets(fields: Fields, signingSecrets: readonly SigningSecret[]): Fields {
  const stored = signingSecrets.map(({ secret, notAfterMs }) =>
    Number.isFinite(notAfterMs) ? { secret, not_after: formatEnd(notAfterMs) } : secret,
  );
  return { ...fields, signing_secrets: stored };
}

/** An end as it is stored and printed, in UTC: `2026-01-31T12:00:00Z`. */
export function formatEnd(endMs: number): string {
  return shortTime(new Date(endMs).toISOString());
}
