import { validityOf } from '../../lambdas/partners/certificate-expiry.ts';
import { type CertificatePair, clientCertificateOf, hasNextPair } from '../../lambdas/partners/client-certificate.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { signingSecretsOf } from '../../lambdas/partners/integration-secret.ts';
import { DAY_MS } from '../../lambdas/shared/durations.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { readSecret, type StoredSecret, secretName } from './integration-secrets.ts';
import { readSecretFields, secretFault, secretWarning } from './needed-secrets.ts';
import { nextStep, type RotationStep, USUAL_WAIT_SECONDS, withoutEnded } from './rotation.ts';
import { signingEnds } from './signing-ends.ts';

/** What an operator has to know of an integration's secret, without a value of it. Times are ISO 8601, UTC. */
export interface SecretState {
  readonly id: string;
  /** In Secrets Manager. */
  readonly name: string;
  /** When its current version was stored, whichever key it changed; null where there is none. */
  readonly written_at: string | null;
  /** Whole days since then; null where there is none. */
  readonly age_days: number | null;
  /** A sentence; null where it fits. */
  readonly fault: string | null;
  /** When signing secrets end: no fault, and needs no operator. */
  readonly notices: readonly string[];
  /** What will be a fault soon: client certificates that expire. */
  readonly warning: string | null;
  /** Null where it has no usable signing secret. */
  readonly signing: SigningState | null;
  /** Client certificates: the current one if the entry presents one, and the next one during a rotation. */
  readonly certificates: readonly CertificateState[];
}

/** Where the rotation of a signing secret stands. */
export interface SigningState {
  /** Signing secrets that sign each webhook. */
  readonly signing: number;
  readonly next_step: RotationStep['step'];
  /** When every function signs with all of them; null where there is one. */
  readonly all_sign_at: string | null;
  /** When the last of the older ones ends by itself; null where none has an end, or one has none. */
  readonly old_ends_at: string | null;
}

export interface CertificateState {
  readonly pair: CertificatePair;
  /** Null where the pair is not usable. */
  readonly expires_at: string | null;
  /** Days until then, with decimals. */
  readonly days_left: number | null;
  readonly state: 'valid' | 'expiring' | 'expired' | 'not_yet_valid' | 'faulty';
}

/** Reads an integration's secret. A secret that cannot be used is a state; @throws the client's errors */
export async function readSecretState(stage: Stage, integration: Integration, nowMs: number): Promise<SecretState> {
  const name = secretName(stage, integration.id);
  const common = { id: integration.id, name };
  try {
    const stored = await readSecret(stage, integration.id);
    if (stored !== undefined) return { ...common, ...stateOf(name, stored, integration, nowMs) };
    return { ...common, ...UNKNOWN, fault: `secret ${name}: is not there, or has no value` };
  } catch (thrown) {
    if (!(thrown instanceof CommandFailed)) throw thrown;
    return { ...common, ...UNKNOWN, fault: thrown.message };
  }
}

const UNKNOWN = {
  written_at: null,
  age_days: null,
  notices: [],
  warning: null,
  signing: null,
  certificates: [],
} as const;

function stateOf(
  name: string,
  stored: StoredSecret,
  integration: Integration,
  nowMs: number,
): Omit<SecretState, 'id' | 'name'> {
  const { fields, writtenAtMs } = stored;
  const about = (sentence: string | undefined) => (sentence === undefined ? null : `secret ${name}: ${sentence}`);
  return {
    written_at: isoTime(writtenAtMs),
    age_days: Math.max(0, Math.floor((nowMs - writtenAtMs) / DAY_MS)),
    fault: about(secretFault(integration, fields, nowMs)),
    notices: signingEnds(fields, nowMs).map((end) => `secret ${name}: ${end}`),
    warning: about(secretWarning(integration, fields, nowMs)),
    signing: 'fault' in readSecretFields(fields) ? null : signingState(stored, nowMs),
    certificates: certificateStates(integration, fields, nowMs),
  };
}

function signingState({ fields, writtenAtMs }: StoredSecret, nowMs: number): SigningState {
  const signingSecrets = withoutEnded(signingSecretsOf(fields) ?? [], nowMs);
  const waitMs = USUAL_WAIT_SECONDS * 1000;
  const endMs = Math.max(...signingSecrets.slice(1).map(({ notAfterMs }) => notAfterMs));
  return {
    signing: signingSecrets.length,
    next_step: nextStep({ signingSecrets, writtenAtMs, nowMs, waitMs }).step,
    all_sign_at: signingSecrets.length < 2 ? null : isoTime(writtenAtMs + waitMs),
    old_ends_at: Number.isFinite(endMs) ? isoTime(endMs) : null,
  };
}

function certificateStates(
  { id, client_certificate }: Integration,
  fields: StoredSecret['fields'],
  nowMs: number,
): CertificateState[] {
  const pairs: CertificatePair[] = [];
  if (client_certificate) pairs.push('current');
  if (hasNextPair(fields)) pairs.push('next');
  return pairs.map((pair) => {
    const certificate = clientCertificateOf(id, fields, pair);
    if ('instead' in certificate) return { pair, expires_at: null, days_left: null, state: 'faulty' };
    const { state, daysLeft } = validityOf(certificate, nowMs);
    return { pair, expires_at: isoTime(certificate.expiresAtMs), days_left: daysLeft, state };
  });
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
