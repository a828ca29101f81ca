import { describeValidity, validityOf } from '../../lambdas/partners/certificate-expiry.ts';
import {
  CERTIFICATE_KEYS,
  type CertificatePair,
  clientCertificateOf,
  hasNextPair,
} from '../../lambdas/partners/client-certificate.ts';
import { credentialsOf, type SecretPath } from '../../lambdas/partners/credentials.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { type IntegrationSecret, integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';
import { secretFaultOf } from '../../lambdas/shared/secret-text.ts';
import { signingEndFault } from './signing-ends.ts';

/** One value that the partner gave, and that an integration's secret must hold. */
export interface NeededSecret {
  /** The keys on the way to it in the secret. */
  readonly path: SecretPath;
  /** The environment variable that may have it. */
  readonly variable: string;
}

/** The values that an entry needs from the operator. Signing secret and encryption key are generated. */
export function neededSecrets({ auth, headers }: Integration): NeededSecret[] {
  const keys = {
    none: [],
    bearer: ['bearer_token'],
    api_key: ['api_key'],
    oauth2_client_credentials: ['client_id', 'client_secret'],
  }[auth.type];
  const named = new Set(headers.flatMap((header) => ('from_secret' in header ? header.from_secret : [])));
  return [
    ...keys.map((key) => needed(key)),
    ...[...named].map((name): NeededSecret => ({ path: ['headers', name], variable: variableOf(`header_${name}`) })),
  ];
}

function needed(key: string): NeededSecret {
  return { path: [key], variable: variableOf(key) };
}

function variableOf(name: string): string {
  return `INTEGRATION_${name.toUpperCase().replaceAll('-', '_')}`;
}

export type ReadSecret = { readonly secret: IntegrationSecret } | { readonly fault: string };

/** Reads a secret's fields. A fault continues a sentence that begins with "the secret", and names keys, never values. */
export function readSecretFields(fields: unknown): ReadSecret {
  const result = integrationSecretSchema.safeParse(fields);
  return result.success ? { secret: result.data } : { fault: secretFaultOf(result.error) };
}

/**
 * Why a secret does not fit an integration, in one sentence without values; undefined where it fits. A client certificate
 * that has expired is a fault here, although deliveries present it, and so is one of an unusable next pair.
 */
export function secretFault(integration: Integration, fields: unknown, nowMs: number): string | undefined {
  const read = readSecretFields(fields);
  if ('fault' in read) return `the secret ${read.fault}`;
  const credentials = credentialsOf(integration, read.secret);
  if ('missing' in credentials) return credentials.missing;
  const faults = certificatesOf(integration, read.secret).flatMap(({ pair, certificate }) => {
    if ('instead' in certificate) return certificate.instead;
    const isUsable = ['valid', 'expiring'].includes(validityOf(certificate, nowMs).state);
    return isUsable ? [] : (describeValidity(certificate, CERTIFICATE_KEYS[pair].chain, nowMs) ?? []);
  });
  return faults.length === 0 ? signingEndFault(fields) : `the secret has ${faults.join(', and ')}`;
}

/** That a client certificate expires soon, in one sentence; undefined where it does not, or where there is a fault. */
export function secretWarning(integration: Integration, fields: unknown, nowMs: number): string | undefined {
  const read = readSecretFields(fields);
  if ('fault' in read || secretFault(integration, fields, nowMs) !== undefined) return undefined;
  const soon = certificatesOf(integration, read.secret).flatMap(({ pair, certificate }) =>
    'instead' in certificate ? [] : (describeValidity(certificate, CERTIFICATE_KEYS[pair].chain, nowMs) ?? []),
  );
  return soon.length === 0 ? undefined : `the secret has ${soon.join(', and ')}`;
}

/** The pairs that an integration has: the current one, and the next one during a rotation. */
function certificatesOf({ id, client_certificate }: Integration, secret: IntegrationSecret) {
  if (!client_certificate) return [];
  const pairs: readonly CertificatePair[] = hasNextPair(secret) ? ['current', 'next'] : ['current'];
  return pairs.map((pair) => ({ pair, certificate: clientCertificateOf(id, secret, pair) }));
}
