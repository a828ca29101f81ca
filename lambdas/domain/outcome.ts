import type { SendResult } from '../contract/delivery-ports.ts';

/** What a try means for the delivery. `reason` is for the operator: never the partner's words, which may hold anything. */
export interface Verdict {
  /**
   * `unauthorized`: worth one more try with a token and a secret fetched anew; refused again, the delivery is dead.
   * `gone`: the endpoint takes nothing any more, so the integration is parked until an operator resumes it.
   */
  readonly verdict: 'delivered' | 'retry' | 'unauthorized' | 'gone' | 'dead';
  readonly reason: string;
}

/** Answers that may be different next time, besides 5xx: request timeout, too early, too many requests. */
const PASSING_STATUSES = new Set([408, 425, 429]);

/**
 * Failures that stay until somebody changes something. Everything else on the way (reset, refused, timeout, DNS, a
 * handshake cut short) may pass.
 *
 * Certificates: Node's names for what OpenSSL found, `UNSPECIFIED` where it has no name for it (a key that is too small),
 * and a certificate of ours that the partner asks for.
 */
const LASTING_FAILURES = [
  /^(CERT_|CRL_|ERROR_IN_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$)/,
  /^(INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|UNSPECIFIED|ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)$/,
  /^ERR_TLS_(?!HANDSHAKE_TIMEOUT$)/,
  // TLS below 1.2, as either side says it.
  /^ERR_SSL_(UNSUPPORTED_PROTOCOL|TLSV1_ALERT_PROTOCOL_VERSION)$/,
  // An address where nothing may be sent.
  /^(INVALID_URL|FORBIDDEN_URL|FORBIDDEN_PORT|FORBIDDEN_ADDRESS)$/,
  // A request that cannot be written.
  /^(ERR_INVALID_(CHAR|URL|PROTOCOL|HTTP_TOKEN|ARG_TYPE|ARG_VALUE)|ERR_HTTP_INVALID_HEADER_VALUE)$/,
  /^(ERR_UNESCAPED_CHARACTERS|UNSENDABLE)$/,
];

/**
 * Only 2xx delivers. A redirect is a permanent failure: followed, a POST becomes a GET that somebody else answers with
 * 200.
 */
export function classify(result: SendResult): Verdict {
  if (result.kind === 'failed') {
    const isLasting = LASTING_FAILURES.some((pattern) => pattern.test(result.code));
    return { verdict: isLasting ? 'dead' : 'retry', reason: `no answer: ${result.code}` };
  }
  return { verdict: verdictOf(result.status), reason: `HTTP ${result.status}` };
}

function verdictOf(status: number): Verdict['verdict'] {
  if (status >= 200 && status < 300) return 'delivered';
  if (status >= 500 || PASSING_STATUSES.has(status)) return 'retry';
  if (status === 401) return 'unauthorized';
  return status === 410 ? 'gone' : 'dead';
}
