import { createHash, timingSafeEqual } from 'node:crypto';

/** The token of a header `Authorization: Bearer …` (RFC 6750); undefined where it has another form. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization ?? '')?.[1];
}

/** Whether two tokens are the same, in a time that tells neither where they differ nor how long the right one is. */
export function isSameToken(given: string, right: string): boolean {
  return timingSafeEqual(digest(given), digest(right));
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
