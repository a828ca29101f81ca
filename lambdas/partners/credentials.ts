import {
  isEmptySecretValue,
  isSecretFields,
  RepeatedKey,
  readSecretPart,
  type SecretFields,
  type SecretForm,
} from '../shared/secret-text.ts';
import { bytesOfBase64 } from '../shared/text.ts';
import { type CertificatePair, type ClientCertificate, clientCertificateOf } from './client-certificate.ts';
import { headerValueSchema, type Integration } from './integration.ts';
import { headerValuesOf, type IntegrationSecret } from './integration-secret.ts';
import type { OAuthClient } from './oauth-tokens.ts';

/** The credentials that sign and authorize a request to an integration. */
export interface Credentials {
  readonly secret: IntegrationSecret;
  /**
   * Names are written as in the entry: receivers should ignore their case, and some do not. No name occurs twice in
   * different case. With `oauth` there is no `Authorization`: its token must be fetched first.
   */
  readonly headers: Readonly<Record<string, string>>;
  readonly oauth?: OAuthClient;
  /** The base64 of 32 bytes; present if the integration has `encrypted_fields`. */
  readonly encryptionKey?: string;
  /** Present if the integration has `client_certificate`. */
  readonly clientCertificate?: ClientCertificate;
}

/** White space around the value is removed: no header value begins or ends with it. */
const headerValueForm: SecretForm<string> = {
  is: 'a text of 1 to 4096 visible ASCII characters',
  read: (value) => (typeof value === 'string' ? headerValueSchema.safeParse(value.trim()).data : undefined),
};

/** A scheme before the token is removed: the request adds it. */
const bearerTokenForm: SecretForm<string> = {
  is: headerValueForm.is,
  read: (value) => headerValueForm.read(typeof value === 'string' ? value.trim().replace(/^Bearer +/i, '') : value),
};

/** Sent in a body, so any character is allowed (RFC 6749, appendix A); line breaks and tabs around it are removed. */
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
 * Reads the credentials that an integration's entry requires from its secret. Other values of the secret are ignored.
 *
 * @param pair the client certificate, for an integration that presents one
 * @returns `missing` if a value is missing or has another form: one sentence for the operator that names keys and the
 *   form of their values, and quotes no value
 */
export function credentialsOf(
  integration: Integration,
  secret: IntegrationSecret,
  pair: CertificatePair = 'current',
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
  let clientCertificate: ClientCertificate | undefined;
  if (integration.client_certificate) {
    const read = clientCertificateOf(integration.id, secret, pair);
    if ('instead' in read) instead.push(read.instead);
    else clientCertificate = read;
  }
  const needs = `auth ${auth.type} needs`;
  let oauth: OAuthClient | undefined;
  if (auth.type === 'bearer') {
    named.push(['Authorization', `Bearer ${needed(['bearer_token'], bearerTokenForm, needs)}`]);
  } else if (auth.type === 'api_key') {
    named.push([auth.header, needed(['api_key'], headerValueForm, needs)]);
  } else if (auth.type === 'oauth2_client_credentials') {
    oauth = {
      tokenUrl: auth.token_url,
      request: auth.token_request,
      authentication: auth.client_authentication,
      scope: auth.scope,
      ...(auth.audience !== undefined && { audience: auth.audience }),
      clientId: needed(['client_id'], clientIdForm, needs),
      clientSecret: needed(['client_secret'], clientSecretForm, needs),
      ...(clientCertificate !== undefined && { clientCertificate }),
    };
  }
  const encryptionKey =
    encrypted_fields.length > 0 ? needed(['encryption_key'], encryptionKeyForm, 'encrypted_fields need') : undefined;

  if (instead.length > 0) return { missing: `the secret has ${instead.join(', and ')}` };
  return {
    secret,
    // Not by assignment: a header may be named __proto__.
    headers: Object.fromEntries(named),
    ...(oauth !== undefined && { oauth }),
    ...(encryptionKey !== undefined && { encryptionKey }),
    ...(clientCertificate !== undefined && { clientCertificate }),
  };
}

/** The path of a value in the secret. */
export type SecretPath = readonly [string] | readonly ['headers', string];

/**
 * The unvalidated value at a path. Only own properties count: an entry may name `constructor`. A header's value may also
 * have the key `headers.tenant`, since the console's key/value editor cannot nest.
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
