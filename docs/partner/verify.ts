import { createHmac, timingSafeEqual } from 'node:crypto';

const TOLERANCE_SECONDS = 5 * 60;

/**
 * Whether a request is ours and recent.
 *
 * @param secrets as we gave them, `whsec_…`: one, or the old and the new one
 * @param headers with names in lower case, as Node gives them
 * @param body the bytes as they arrived
 * @throws if a secret is invalid: any client could sign with an empty one
 */
export function isGenuine(
  secrets: readonly string[],
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Uint8Array,
  nowSeconds = Date.now() / 1000,
): boolean {
  const keys = secrets.map(signingKey);
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return false;
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(nowSeconds - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const given = signatures.split(' ').map((signature) => Buffer.from(signature));
  return keys.some((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    const expected = Buffer.from(`v1,${hmac}`);
    return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
  });
}

function signingKey(secret: string): Buffer {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  if (key.length < 24) throw new Error('not a signing secret: whsec_ and the base64 of 24 to 64 bytes');
  return key;
}
