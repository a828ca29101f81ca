import { randomBytes } from 'node:crypto';
import { signatureHeader, signingSecret } from '../../../lambdas/partners/signature.ts';

/** A signed request, to check a verification with. Libraries compare the time with their clock, so each call makes another. */
export interface TestVector {
  /** `whsec_` and base64. */
  readonly secret: string;
  /** The header `webhook-id`. */
  readonly id: string;
  /** The header `webhook-timestamp`, in Unix seconds. */
  readonly timestamp: string;
  readonly body: string;
  /** The header `webhook-signature`. */
  readonly signature: string;
}

/** @param secret a new random one, if it is undefined */
export function testVector(body: string, nowMs: number, secret = signingSecret(randomBytes(32))): TestVector {
  const id = newWebhookId();
  const timestamp = Math.floor(nowMs / 1000);
  return { secret, id, timestamp: String(timestamp), body, signature: signatureHeader([secret], id, timestamp, body) };
}

/** As the pipeline's, but random. */
export function newWebhookId(): string {
  return `wh_${randomBytes(20).toString('hex')}`;
}
