import type { SendResult } from '../contract/delivery-ports.ts';

/** What a try means for the delivery. `reason` is for the operator: never the partner's words, which may hold anything. */
export interface Verdict {
  readonly verdict: 'delivered' | 'retry' | 'dead';
  readonly reason: string;
}

/** Answers that may be different next time, besides 5xx: request timeout, too early, too many requests. */
const PASSING_STATUSES = new Set([408, 425, 429]);

/**
 * Errors that stay until somebody changes something: the partner's certificate, or an address that is none. Everything
 * else on the way (reset, refused, timeout, DNS) may pass.
 */
const LASTING_CODES =
  /^(CERT_|CRL_|ERROR_IN_|ERR_TLS_CERT|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|HOSTNAME_MISMATCH|INVALID_URL|FORBIDDEN_URL)/;

/**
 * Only 2xx delivers. A redirect is a permanent failure: followed, a POST becomes a GET that somebody else answers with
 * 200.
 */
export function classify(result: SendResult): Verdict {
  if (result.kind === 'failed') {
    const lasting = LASTING_CODES.test(result.code);
    return { verdict: lasting ? 'dead' : 'retry', reason: `no answer: ${result.code}` };
  }
  const { status } = result;
  const reason = `HTTP ${status}`;
  if (status >= 200 && status < 300) return { verdict: 'delivered', reason };
  if (status >= 500 || PASSING_STATUSES.has(status)) return { verdict: 'retry', reason };
  return { verdict: 'dead', reason };
}
