import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Webhook } from 'standardwebhooks';

/** A secret of Standard Webhooks: `whsec_` and base64 of random bytes. */
export function newSigningSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

export interface Verification {
  /** The partner's secret that verifies, or its first one. Absent if it has none. */
  readonly signing_secret?: string;
  /** Whether the official library accepts the signature. */
  readonly verified: boolean;
}

/** Verifies like a partner, with the official library and each of its secrets. */
export function verify(body: string, headers: IncomingHttpHeaders, secrets: readonly string[]): Verification {
  const right = secrets.find((secret) => isRight(body, headers, secret));
  const [held] = secrets;
  if (right !== undefined) return { signing_secret: right, verified: true };
  return { ...(held !== undefined && { signing_secret: held }), verified: false };
}

function isRight(body: string, headers: IncomingHttpHeaders, secret: string): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}
