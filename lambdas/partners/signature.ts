import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { bytesOfBase64 } from '../shared/text.ts';

const SECRET_PREFIX = 'whsec_';

/** Size of the cache; when it is full, all keys are dropped. */
const MAX_KEYS = 2000;

/** Cached by the secret's text. With a `KeyObject`, signing 1 KB takes a quarter of the time. */
const keys = new Map<string, KeyObject>();

/**
 * The header `webhook-signature` of Standard Webhooks 1.0.0: for each secret `v1,` and the base64 of the HMAC-SHA256 of
 * `id.timestamp.body`, separated by spaces.
 *
 * @param secrets `whsec_` and base64, newest first; validated by `integration-secret.ts`
 * @param webhookId the header `webhook-id`, without a `.`
 * @param timestampSeconds the header `webhook-timestamp`, in Unix seconds
 * @param body the exact body that is sent, as UTF-8
 */
export function signatureHeader(
  secrets: readonly string[],
  webhookId: string,
  timestampSeconds: number,
  body: string,
): string {
  const signed = `${webhookId}.${timestampSeconds}.${body}`;
  return secrets.map((secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`).join(' ');
}

/**
 * Formats a signing secret as in Standard Webhooks.
 *
 * @param bytes 24 to 64 random bytes
 * @throws RangeError for any other length
 */
export function signingSecret(bytes: Uint8Array): string {
  if (bytes.length < 24 || bytes.length > 64) {
    throw new RangeError(`a signing secret is made of 24 to 64 bytes, not of ${bytes.length}`);
  }
  return SECRET_PREFIX + Buffer.from(bytes).toString('base64');
}

/** Whether a text is a signing secret of Standard Webhooks 1.0.0: `whsec_` and the base64 of 24 to 64 bytes. */
export function isSigningSecret(text: string): boolean {
  if (!text.startsWith(SECRET_PREFIX)) return false;
  const bytes = bytesOfBase64(text.slice(SECRET_PREFIX.length));
  return bytes !== undefined && bytes >= 24 && bytes <= 64;
}

function keyOf(secret: string): KeyObject {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const key = createSecretKey(secret.slice(SECRET_PREFIX.length), 'base64');
  if (keys.size >= MAX_KEYS) keys.clear();
  keys.set(secret, key);
  return key;
}
