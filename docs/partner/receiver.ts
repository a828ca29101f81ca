import type { IncomingMessage, RequestListener } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { isGenuine } from './verify.ts';

/** Our bodies are at most a third of it, even with encrypted fields. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface Webhook {
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * Verifies, stores and responds. Longer work is done later, from what was stored.
 *
 * @param keep stores a webhook durably, once for each id: `INSERT … ON CONFLICT (id) DO NOTHING`
 */
export function receiver(secrets: readonly string[], keep: (webhook: Webhook) => Promise<void>): RequestListener {
  return async (request, response) => {
    response.statusCode = await statusFor(request, secrets, keep);
    response.end();
  };
}

async function statusFor(
  request: IncomingMessage,
  secrets: readonly string[],
  keep: (webhook: Webhook) => Promise<void>,
): Promise<number> {
  try {
    // Our requests always have a length.
    const length = Number(request.headers['content-length']);
    if (!(length <= MAX_BODY_BYTES)) return 413;
    const body = await buffer(request);
    // After a 401 we read your secret again and retry once: it may have been rotated just now.
    if (!isGenuine(secrets, request.headers, body)) return 401;
    const payload = JSON.parse(body.toString('utf8'));
    if (payload.test !== true) await keep({ id: String(request.headers['webhook-id']), payload });
    return 204;
  } catch {
    return 503;
  }
}
