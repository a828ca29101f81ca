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

/** Why a secret does not fit an integration, in one sentence without values; undefined where it fits. */
export function secretFault(integration: Integration, fields: unknown): string | undefined {
  const read = readSecretFields(fields);
  if ('fault' in read) return `the secret ${read.fault}`;
  const credentials = credentialsOf(integration, read.secret);
  return 'missing' in credentials ? credentials.missing : signingEndFault(fields);
}
