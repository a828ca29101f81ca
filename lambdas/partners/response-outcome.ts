import type { SendResult } from './webhook-sender.ts';

/** What an attempt means for the delivery. `reason` is for the operator and never quotes the partner, whose text may hold anything. */
export interface Verdict {
  /**
   * `unauthorized`: worth one more attempt with a new token and secret; refused again, the delivery is dead.
   * `gone`: the endpoint takes nothing any more, so the integration is parked until an operator resumes it.
   */
  readonly verdict: 'delivered' | 'retry' | 'unauthorized' | 'gone' | 'dead';
  readonly reason: string;
}

/** Statuses that may be different next time, besides 5xx: request timeout, too early, too many requests. */
const PASSING_STATUSES = new Set([408, 425, 429]);

/**
 * Failures that no later attempt changes: the partner or the operator must change something first. They fail once. All
 * other failures on the way (reset, refused, timeout, DNS, a handshake cut short) may pass, and are retried.
 *
 * A name that does not exist (ENOTFOUND) may pass: a zone that is being moved, or a name server in trouble, looks the
 * same. Names that cannot exist do not pass the validation of the entry.
 */
const LASTING_FAILURES = [
  // What came is not HTTP, or has no status that can be read: another service listens at the port.
  /^MALFORMED_RESPONSE$/,
  // Certificates: Node's names for what OpenSSL found, UNSPECIFIED where it has no name for it (a key that is too small).
  /^(CERT_|CRL_|ERROR_IN_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$)/,
  /^(INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|UNSPECIFIED)$/,
  /^ERR_TLS_(?!HANDSHAKE_TIMEOUT$)/,
  // The port does not speak TLS: most likely plain HTTP.
  /^ERR_SSL_(WRONG_VERSION_NUMBER|DATA_LENGTH_TOO_LONG|PACKET_LENGTH_TOO_LONG)$/,
  // No version of TLS (1.2 or later) or cipher in common, as either side reports it. Alerts were called TLSV1_ALERT_… and
  // SSLV3_ALERT_… before OpenSSL 3.2, and some SSL_TLS_ALERT_… since.
  /^ERR_SSL_(UNSUPPORTED_PROTOCOL|\w+_ALERT_(PROTOCOL_VERSION|HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY))$/,
  // What the server offers is too weak for OpenSSL's defaults: a Diffie-Hellman group of under 2048 bits, or no protection of
  // renegotiation (RFC 5746). Both come from a server that is old.
  /^ERR_SSL_(DH_KEY_TOO_SMALL|UNSAFE_LEGACY_RENEGOTIATION_DISABLED)$/,
  // The partner asks for a certificate of ours; TLS 1.2 reports that as HANDSHAKE_FAILURE.
  /^ERR_SSL_\w+_ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_UNKNOWN)$/,
  /^ERR_SSL_\w+_ALERT_(UNKNOWN_CA|ACCESS_DENIED)$/,
  // The server serves HTTP/2 only, or no such host.
  /^ERR_SSL_\w+_(ALERT_NO_APPLICATION_PROTOCOL|UNRECOGNIZED_NAME)$/,
  // An address where nothing may be sent.
  /^(INVALID_URL|FORBIDDEN_URL|FORBIDDEN_PORT|FORBIDDEN_ADDRESS)$/,
  // A request that cannot be written.
  /^(ERR_INVALID_(CHAR|URL|PROTOCOL|HTTP_TOKEN|ARG_TYPE|ARG_VALUE)|ERR_HTTP_INVALID_HEADER_VALUE)$/,
  /^(ERR_UNESCAPED_CHARACTERS|UNSENDABLE)$/,
];

/**
 * Only 2xx delivers. A redirect is a permanent failure: followed, a POST becomes a GET that another server answers
 * with 200.
 */
export function classify(result: SendResult): Verdict {
  if (result.kind === 'failed') {
    const isLasting = LASTING_FAILURES.some((pattern) => pattern.test(result.code));
    return { verdict: isLasting ? 'dead' : 'retry', reason: `no response: ${result.code}` };
  }
  return { verdict: verdictOf(result.status), reason: `HTTP ${result.status}` };
}

function verdictOf(status: number): Verdict['verdict'] {
  if (status >= 200 && status < 300) return 'delivered';
  if (status >= 500 || PASSING_STATUSES.has(status)) return 'retry';
  if (status === 401) return 'unauthorized';
  return status === 410 ? 'gone' : 'dead';
}

/** OpenSSL's reason in an EPROTO: `error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:…`. */
const OPENSSL_REASON = /:SSL routines:[^:]*:([^:]+):/;

/**
 * To Node most failures of a handshake are EPROTO. They get the name that Node gives the same reason elsewhere, such as
 * ERR_SSL_WRONG_VERSION_NUMBER: some of them may pass and some never do.
 */
export function failureCodeOf(thrown: unknown, otherwise: string): string {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string') return otherwise;
  const reason = code === 'EPROTO' ? OPENSSL_REASON.exec(String(message))?.[1] : undefined;
  const name = reason === undefined ? code : `ERR_SSL_${reason}`;
  // OpenSSL writes some reasons with a slash: `ssl/tls alert handshake failure`.
  return name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
}
