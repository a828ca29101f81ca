import type { Resolver } from '../resolver.ts';
import { createTokenVerifier } from './verify-token.ts';

/** `requestContext.authorizer` for an authorized caller, or the error response. */
export type Permission = { readonly context: object } | { readonly status: 401 | 403; readonly message: string };

/** @param authorization the header's value */
export type Authorizer = (authorization: string | undefined) => Promise<Permission>;

/** The URL of an issuer's documents: its own, or the local one of the platform's issuer. */
export type AddressOfIssuer = (issuer: string) => string;

/**
 * Requires all parts of Signature Version 4. The signature is not verified, as in all local services: every local process is
 * authorized.
 */
const SIGNED = /^AWS4-HMAC-SHA256 Credential=[^,\s]+, ?SignedHeaders=[^,\s]+, ?Signature=[0-9a-f]{64}$/;

const iamCallers: Authorizer = async (authorization) =>
  SIGNED.test(authorization ?? '')
    ? { context: { iam: { accountId: '000000000000' } } }
    : { status: 403, message: 'Forbidden' };

const everyCaller: Authorizer = async () => ({ context: {} });

/**
 * @param properties of a route
 * @param addressOf issuers of tokens
 * @throws Error for another kind than IAM, JWT or none
 */
export function authorizerOf(
  properties: Readonly<Record<string, unknown>>,
  resolver: Resolver,
  addressOf: AddressOfIssuer,
): Authorizer {
  const { AuthorizationType: type = 'NONE', AuthorizerId: id, AuthorizationScopes: scopes } = properties;
  if (scopes !== undefined) throw new Error('scopes of routes are not checked by the local platform');
  if (type === 'NONE') return everyCaller;
  if (type === 'AWS_IAM') return iamCallers;
  if (type === 'JWT') return tokenHolders(resolver.properties(String(id)), addressOf);
  throw new Error(`the local platform has no authorizer of the type ${String(type)}`);
}

function tokenHolders({ JwtConfiguration }: Readonly<Record<string, unknown>>, addressOf: AddressOfIssuer): Authorizer {
  const { Issuer, Audience } = JwtConfiguration as { Issuer: string; Audience: readonly string[] };
  const verify = createTokenVerifier(Issuer, Audience, addressOf(Issuer));
  return async (authorization) => {
    const claims = await verify(authorization?.replace(/^Bearer /i, '') ?? '');
    return claims === undefined
      ? { status: 401, message: 'Unauthorized' }
      : { context: { jwt: { claims, scopes: null } } };
  };
}
