import { CERTIFICATE_KEYS, type CertificatePair } from '../../lambdas/partners/client-certificate.ts';
import { isEmptySecretValue } from '../../lambdas/shared/secret-text.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The secret's fields without a pair; every other key as it is. */
export function withoutPair(fields: Fields, which: CertificatePair): Fields {
  const names: ReadonlySet<string> = new Set(Object.values(CERTIFICATE_KEYS[which]));
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !names.has(key)));
}

/** The secret's fields with the next pair as the current one, and no next one. */
export function withNextAsCurrent(fields: Fields): Fields {
  const { current, next } = CERTIFICATE_KEYS;
  const parts = (['chain', 'key', 'passphrase'] as const).map((part) => [current[part], fields[next[part]]] as const);
  return {
    ...withoutPair(withoutPair(fields, 'current'), 'next'),
    ...Object.fromEntries(parts.filter(([, value]) => !isEmptySecretValue(value))),
  };
}
