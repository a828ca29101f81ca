import { signingSecretsOf } from '../../lambdas/partners/integration-secret.ts';
import { isSecretFields } from '../../lambdas/shared/secret-text.ts';
import { formatEnd, hasEnded } from './rotation.ts';

/** Why the ends of a secret's signing secrets are a fault, in one sentence; undefined where they are none. */
export function signingEndFault(fields: unknown): string | undefined {
  return readSigningSecrets(fields).every(({ notAfterMs }) => Number.isFinite(notAfterMs))
    ? 'the secret has a not_after in each of its signing_secrets: remove it from the first one, which signs on after its end'
    : undefined;
}

/** The ends of a secret's signing secrets, one sentence for each, without values. */
export function signingEnds(fields: unknown, nowMs: number): string[] {
  const all = readSigningSecrets(fields);
  const signsOn = all.every((one) => hasEnded(one, nowMs)) ? all[0] : undefined;
  return all
    .filter(({ notAfterMs }) => Number.isFinite(notAfterMs))
    .map((one) => {
      const end = formatEnd(one.notAfterMs);
      if (one === signsOn) return `a signing secret ended at ${end}, and signs on`;
      if (!hasEnded(one, nowMs)) return `a signing secret ends at ${end}`;
      return `a signing secret ended at ${end}: the next "./ltw integration rotate" removes it`;
    });
}

function readSigningSecrets(fields: unknown) {
  return (isSecretFields(fields) ? signingSecretsOf(fields) : undefined) ?? [];
}
