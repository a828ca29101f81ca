import type { CLIENT_AUTHENTICATIONS, TOKEN_REQUESTS } from './integration.ts';

/**
 * The error codes of token servers that are read: those of RFC 6749 (sections 5.2 and 4.1.2.1), and `invalid_target` of
 * RFC 8707. Only these are quoted. Any other text of a token server, its `error_description` too, may repeat the secret.
 */
export const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'access_denied',
  'server_error',
  'temporarily_unavailable',
  'invalid_target',
] as const;
export type OAuthError = (typeof OAUTH_ERRORS)[number];

/** @param value the field `error` of a response, which may be anything */
export function oauthErrorOf(value: unknown): OAuthError | undefined {
  return OAUTH_ERRORS.find((code) => code === value);
}

/** Whether the server itself is in trouble. The other errors refuse the client or its request. */
export function isTemporary(error: OAuthError | undefined): boolean {
  return error === 'server_error' || error === 'temporarily_unavailable';
}

/** How an integration's `auth` requests a token. */
export interface TokenRequestForm {
  readonly request: (typeof TOKEN_REQUESTS)[number];
  readonly authentication: (typeof CLIENT_AUTHENTICATIONS)[number];
}

/** A field of an entry's `auth`, with a value that the token server may want instead of the current one. */
export interface TokenSetting {
  readonly name: 'token_request' | 'client_authentication';
  readonly value: TokenRequestForm['request'] | TokenRequestForm['authentication'];
}

/**
 * The setting to try if a token server refuses a request, by what common servers respond to one that has another form.
 *
 * @returns undefined if the refusal has another reason, or the server was not reached
 */
export function settingToTry(
  { request, authentication }: TokenRequestForm,
  status: number,
  error: OAuthError | undefined,
): TokenSetting | undefined {
  const isBasic = authentication === 'basic';
  const isUnnamed = error === undefined;
  const isClientRefused = error === 'invalid_client' || (status === 401 && isUnnamed);
  // A server that reads one form only finds no grant in the other, nor a client that is not in the header.
  const isUnread = status === 415 || error === 'unsupported_grant_type';
  const isInvalid = error === 'invalid_request' || (status === 400 && isUnnamed);
  if (request === 'json' && (isUnread || isInvalid || isClientRefused)) return { name: 'token_request', value: 'form' };
  if (request === 'json') return undefined;
  if (isUnread || (isInvalid && !isBasic)) return { name: 'token_request', value: 'json' };
  // A request without the client's id in its body may be invalid.
  const isElsewhere = isClientRefused || (isInvalid && isBasic);
  return isElsewhere ? { name: 'client_authentication', value: isBasic ? 'body' : 'basic' } : undefined;
}
