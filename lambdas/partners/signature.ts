import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';

/** Bounds what is kept: past it all keys are dropped, and made again when they are needed. */
const MAX_KEYS = 2000;

/** By the secret's text. With a kept key, signing 1 KB takes a quarter of the time that it takes with raw bytes. */
const keys = new Map<string, KeyObject>();

/**
 * The header `webhook-signature` of Standard Webhooks 1.0.0: for each secret `v1,` and the base64 of the HMAC-SHA256 of
 * `id.timestamp.body`, cut by spaces.
 *
 * @param secrets `whsec_` and base64, newest first; checked where the integration's secret is read
 * @param webhookId the header `webhook-id`: no `.` in it
 * @param timestampSeconds the header `webhook-timestamp`, in Unix seconds
 * @param body exactly what is sent, as UTF-8
 */
export function signatureHeader(
  secrets: readonly string[],
  webhookId: string,
  timestampSeconds: number,
  body: string,
): string {
  const start = `${webhookId}.${timestampSeconds}.`;
  return secrets.map((secret) => `v1,${signature(keyOf(secret), start, body)}`).join(' ');
}

/**
 * A signing secret as Standard Webhooks writes it.
 *
 * @param bytes random ones, 24 to 64
 * @throws RangeError where they are fewer or more
 */
export function signingSecret(bytes: Uint8Array): string {
  if (bytes.length < 24 || bytes.length > 64) {
    throw new RangeError(`a signing secret is made of 24 to 64 bytes, not of ${bytes.length}`);
  }
  return SECRET_PREFIX + Buffer.from(bytes).toString('base64');
}

/** In two parts: joined to one text, a large body would be copied once more. */
function signature(key: KeyObject, start: string, body: string): string {
  return createHmac('sha256', key).update(start).update(body).digest('base64');
}

function keyOf(secret: string): KeyObject {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const key = createSecretKey(secret.slice(SECRET_PREFIX.length), 'base64');
  if (keys.size >= MAX_KEYS) keys.clear();
  keys.set(secret, key);
  return key;
}
