import { createRemoteJWKSet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as z from 'zod';

/** API Gateway supports RSA signatures only. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512'];

const discoverySchema = z.object({ jwks_uri: z.url() });

/** Claims for the function: API Gateway converts all of them to strings. */
export type Claims = Readonly<Record<string, string>>;

/**
 * Verifies tokens as API Gateway's JWT authorizers do (API Gateway Developer Guide, "Control access to HTTP APIs with JWT
 * authorizers"): by the keys that the issuer publishes, then `iss`, `aud` or else `client_id`, `exp`, `nbf` and `iat`.
 *
 * @param documentsAt URL of the issuer's documents
 * @returns the token's claims; undefined if it is invalid, or the issuer's keys cannot be read
 */
export function createTokenVerifier(
  issuer: string,
  audiences: readonly string[],
  documentsAt = issuer,
): (token: string) => Promise<Claims | undefined> {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  return async (token) => {
    try {
      keys ??= findKeys(documentsAt);
      const options = { issuer, algorithms: ALGORITHMS, requiredClaims: ['exp'] };
      const { payload } = await jwtVerify(token, await waited(keys), options);
      return isFor(payload, audiences) && isIssued(payload) ? claimsOf(payload) : undefined;
    } catch {
      return undefined;
    }
  };

  /** A failed request is repeated for the next token. */
  function waited(finding: Promise<JWTVerifyGetKey>): Promise<JWTVerifyGetKey> {
    return finding.catch((thrown: unknown) => {
      keys = undefined;
      throw thrown;
    });
  }
}

/** Keys by OpenID Connect Discovery. */
async function findKeys(issuer: string): Promise<JWTVerifyGetKey> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { jwks_uri } = discoverySchema.parse(await response.json());
  return createRemoteJWKSet(new URL(jwks_uri));
}

function isFor({ aud, client_id }: JWTPayload, audiences: readonly string[]): boolean {
  return [aud ?? client_id].flat().some((audience) => audiences.includes(String(audience)));
}

function isIssued({ iat }: JWTPayload): boolean {
  return iat === undefined || iat * 1000 <= Date.now();
}

function claimsOf(payload: JWTPayload): Claims {
  const texts = Object.entries(payload).map(([name, value]) => [
    name,
    Array.isArray(value) ? `[${value.join(' ')}]` : typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  return Object.fromEntries(texts);
}
