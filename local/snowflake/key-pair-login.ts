import { createHash, createPublicKey, verify } from 'node:crypto';
import * as z from 'zod';

/** The SDK uses milliseconds, other drivers seconds; Snowflake accepts both. */
const instantMs = z.number().transform((value) => (value > 1e11 ? value : value * 1000));

const claimsSchema = z.object({ iss: z.string(), sub: z.string(), iat: instantMs, exp: instantMs });

/**
 * Whether a key-pair login's JWT is valid by Snowflake's rules: signed RS256 with the user's key, `iss` =
 * `ACCOUNT.USER.SHA256:<fingerprint of the public key>`, `sub` = `ACCOUNT.USER`, not expired, lasting an hour at most.
 */
export function isValidLoginToken(
  token: string,
  { account, user, publicKey }: { account: string; user: string; publicKey: string },
): boolean {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = claimsSchema.safeParse(decode(payload));
  if (!claims.success || z.object({ alg: z.literal('RS256') }).safeParse(decode(header)).success === false)
    return false;
  const subject = `${account}.${user}`.toUpperCase();
  const { iss, sub, iat, exp } = claims.data;
  return (
    verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, 'base64url')) &&
    sub === subject &&
    iss === `${subject}.${fingerprint(publicKey)}` &&
    exp > Date.now() &&
    exp - iat <= 3_600_000
  );
}

function fingerprint(publicKey: string): string {
  const der = createPublicKey(publicKey).export({ format: 'der', type: 'spki' });
  return `SHA256:${createHash('sha256').update(der).digest('base64')}`;
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
