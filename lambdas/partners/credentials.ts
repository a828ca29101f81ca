import {
  isEmptySecretValue,
  isSecretFields,
  RepeatedKey,
  readSecretPart,
  type SecretFields,
  type SecretForm,
} from '../shared/secret-text.ts';
import { headerValueSchema, type Integration } from './integration.ts';
import { bytesOfBase64, headerValuesOf, type IntegrationSecret } from './integration-secret.ts';
import type { OAuthClient } from './oauth-tokens.ts';

/** What it takes to sign a request to an integration and to log in. */
export interface Credentials {
  readonly secret: IntegrationSecret;
  /**
   * Names as the entry writes them: receivers should ignore their case, and some do not. None is there twice in another
   * case. Without `Authorization` where `oauth` is there: its token is fetched first.
   */
  readonly headers: Readonly<Record<string, string>>;
  readonly oauth?: OAuthClient;
  /** The base64 of 32 bytes, where the integration has `encrypted_fields`. */
  readonly encryptionKey?: string;
}

/** White space around it is a trace of copying: no header value begins or ends with any. */
const headerValueForm: SecretForm<string> = {
  is: 'a text of 1 to 4096 visible ASCII characters',
  read: (value) => (typeof value === 'string' ? headerValueSchema.safeParse(value.trim()).data : undefined),
};

/** The scheme in front of it is the request's own. */
const bearerTokenForm: SecretForm<string> = {
  is: headerValueForm.is,
  read: (value) => headerValueForm.read(typeof value === 'string' ? value.trim().replace(/^Bearer +/i, '') : value),
};

/** Travels in a body, so it may hold any character but line breaks and tabs around it (RFC 6749, appendix A). */
function clientTextForm(maxLength: number): SecretForm<string> {
  return {
    is: `a text of 1 to ${maxLength} characters`,
    read(value) {
      const text = typeof value === 'string' ? value.replaceAll(/^[\t\r\n\uFEFF]+|[\t\r\n\uFEFF]+$/g, '') : '';
      return text !== '' && text.length <= maxLength ? text : undefined;
    },
  };
}
const clientIdForm = clientTextForm(1024);
const clientSecretForm = clientTextForm(4096);

const encryptionKeyForm: SecretForm<string> = {
  is: 'the base64 of 32 bytes',
  read: (value) => (typeof value === 'string' && bytesOfBase64(value.trim()) === 32 ? value.trim() : undefined),
};

/**
 * Brings together what an integration's entry asks for and what its secret holds. What the entry does not ask for is not
 * looked at.
 *
 * @returns `missing` where the secret lacks something, or holds it in another form: one sentence for the operator, which
 *   names keys and the form of their values, and quotes no value
 */
export function credentialsOf(
  integration: Integration,
  secret: IntegrationSecret,
): Credentials | { readonly missing: string } {
  const { auth, headers, encrypted_fields } = integration;
  const instead: string[] = [];
  const needed = (path: SecretPath, form: SecretForm<string>, needs: string): string => {
    const part = readSecretPart(secretValue(secret, path), path.join('.'), form, needs);
    if ('value' in part) return part.value;
    instead.push(part.instead);
    return '';
  };

  const named = headers.map((header): [string, string] => {
    if ('value' in header) return [header.name, header.value];
    return [header.name, needed(['headers', header.from_secret], headerValueForm, `header ${header.name} needs`)];
  });
  const needs = `auth ${auth.type} needs`;
  let oauth: OAuthClient | undefined;
  if (auth.type === 'bearer') {
    named.push(['Authorization', `Bearer ${needed(['bearer_token'], bearerTokenForm, needs)}`]);
  } else if (auth.type === 'api_key') {
    named.push([auth.header, needed(['api_key'], headerValueForm, needs)]);
  } else if (auth.type === 'oauth2_client_credentials') {
    oauth = {
      tokenUrl: auth.token_url,
      scope: auth.scope,
      clientId: needed(['client_id'], clientIdForm, needs),
      clientSecret: needed(['client_secret'], clientSecretForm, needs),
    };
  }
  const encryptionKey =
    encrypted_fields.length > 0 ? needed(['encryption_key'], encryptionKeyForm, 'encrypted_fields need') : undefined;

  if (instead.length > 0) return { missing: `the secret has ${instead.join(', and ')}` };
  return {
    secret,
    // Not by assignment: a header may be called __proto__.
    headers: Object.fromEntries(named),
    ...(oauth !== undefined && { oauth }),
    ...(encryptionKey !== undefined && { encryptionKey }),
  };
}

/** The keys on the way to a value in the secret. */
export type SecretPath = readonly [string] | readonly ['headers', string];

/**
 * The value at a path, as it stands. Its own keys only: `constructor` is a name that an entry may ask for. A header's
 * value may also stand under a key of its own, `headers.tenant`: the console's form of key and value nests nothing.
 */
export function secretValue(secret: SecretFields, [first, second]: SecretPath): unknown {
  if (second === undefined) return ownValue(secret, first);
  const outer = headerValuesOf(secret);
  if (outer instanceof RepeatedKey) return outer;
  const nested = ownValue(isSecretFields(outer) ? outer : {}, second);
  return isEmptySecretValue(nested) ? ownValue(secret, `${first}.${second}`) : nested;
}

function ownValue(fields: SecretFields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}
