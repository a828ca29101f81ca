import type { OAuthClient } from '../contract/delivery-ports.ts';
import type { Integration } from '../contract/integration.ts';
import type { IntegrationSecret } from '../contract/integration-secret.ts';

/** What a request to an integration carries besides its signature. */
export interface Credentials {
  /**
   * Names as the entry writes them: receivers should ignore their case, and some do not. None is there twice in another
   * case. Without `Authorization` where `oauth` is there: its token is fetched first.
   */
  readonly headers: Readonly<Record<string, string>>;
  readonly oauth?: OAuthClient;
}

/**
 * Brings together what an integration's entry asks for and what its secret holds.
 *
 * @returns `missing` where the secret lacks something: a reason for the operator, which names keys and no value
 */
export function credentialsOf(
  integration: Integration,
  secret: IntegrationSecret,
): Credentials | { readonly missing: string } {
  const { auth, headers, encrypted_fields } = integration;
  const missing: string[] = [];
  const needed = (value: string | undefined, key: string, needs: string): string => {
    if (value === undefined) missing.push(`no ${key}, which ${needs}`);
    return value ?? '';
  };

  const named = headers.map((header): [string, string] => {
    if ('value' in header) return [header.name, header.value];
    return [
      header.name,
      needed(secretHeader(secret, header.from_secret), `headers.${header.from_secret}`, `header ${header.name} needs`),
    ];
  });
  const needs = `auth ${auth.type} needs`;
  let oauth: OAuthClient | undefined;
  if (auth.type === 'bearer') {
    named.push(['Authorization', `Bearer ${needed(secret.bearer_token, 'bearer_token', needs)}`]);
  } else if (auth.type === 'api_key') {
    named.push([auth.header, needed(secret.api_key, 'api_key', needs)]);
  } else if (auth.type === 'oauth2_client_credentials') {
    oauth = {
      tokenUrl: auth.token_url,
      scope: auth.scope,
      clientId: needed(secret.client_id, 'client_id', needs),
      clientSecret: needed(secret.client_secret, 'client_secret', needs),
    };
  }
  if (encrypted_fields.length > 0) needed(secret.encryption_key, 'encryption_key', 'encrypted_fields need');

  if (missing.length > 0) return { missing: `the secret has ${missing.join(', and ')}` };
  // Not by assignment: a header may be called __proto__.
  const asWritten = Object.fromEntries(named);
  return oauth === undefined ? { headers: asWritten } : { headers: asWritten, oauth };
}

/** Its own keys only: `constructor` is a name that an entry may ask for. */
function secretHeader({ headers = {} }: IntegrationSecret, name: string): string | undefined {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}
