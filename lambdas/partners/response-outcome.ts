import type { CertificateFault } from '../events/delivery.ts';
import type { SendResult } from './webhook-sender.ts';

/** The verdict on an attempt. `reason` is for the operator, and never quotes the partner's response. */
export interface Verdict {
  /**
   * `unauthorized`: one more attempt with a new token and secret follows; if that is refused too, the delivery is dead.
   * `certificate_refused`: the same for a client certificate; if the secret has no other one, the delivery is retried.
   * `gone`: the endpoint no longer exists, so the integration is parked until an operator resumes it.
   */
  readonly verdict: 'delivered' | 'retry' | 'unauthorized' | 'certificate_refused' | 'gone' | 'dead';
  readonly reason: string;
  /** Present with `retry` if the partner's certificate is the reason: the limiter counts these failures. */
  readonly certificate?: CertificateFault;
}

/**
 * A certificate that the partner forgot to renew, or installed without its chain. It is retried, because one of several
 * servers may have it, and the partner can repair it at any time; if it persists, the limiter parks the integration.
 */
const CERTIFICATE_FAULT_BY_CODE: ReadonlyMap<string, CertificateFault> = new Map([
  ['CERT_HAS_EXPIRED', 'certificate_expired'],
  ['CERT_NOT_YET_VALID', 'certificate_expired'],
  // The issuer of the endpoint's own certificate is missing, that of an intermediate one, and that of a known authority.
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate_incomplete'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate_incomplete'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'certificate_incomplete'],
]);

/** Retryable statuses besides 5xx: request timeout, too early, too many requests. */
const RETRYABLE_STATUSES = new Set([408, 425, 429]);

/**
 * Permanent failures, which are not retried: the partner or the operator must change something first. All other failures
 * (reset, refused, timeout, DNS, an interrupted handshake) may be temporary.
 *
 * ENOTFOUND is retried: it also occurs while a zone is moved, or a name server fails. Names that cannot exist are refused
 * when the entry is validated.
 */
const PERMANENT_FAILURES = [
  // The response is not HTTP, or has no readable status: another service listens on the port.
  /^MALFORMED_RESPONSE$/,
  // Certificates: Node's names of OpenSSL's results, UNSPECIFIED for those without a name (such as a key that is too small).
  /^(CERT_|CRL_|ERROR_IN_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$)/,
  /^(INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|UNSPECIFIED)$/,
  /^ERR_TLS_(?!HANDSHAKE_TIMEOUT$)/,
  // The port does not speak TLS, but probably unencrypted HTTP.
  /^ERR_SSL_(WRONG_VERSION_NUMBER|DATA_LENGTH_TOO_LONG|PACKET_LENGTH_TOO_LONG)$/,
  // No common TLS version (1.2 or later) or cipher, as reported by either side. Alerts are named TLSV1_ALERT_… and
  // SSLV3_ALERT_… before OpenSSL 3.2, and some of them SSL_TLS_ALERT_… since.
  /^ERR_SSL_(UNSUPPORTED_PROTOCOL|\w+_ALERT_(PROTOCOL_VERSION|HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY))$/,
  // An outdated server, too weak for OpenSSL's defaults: a Diffie-Hellman group of under 2048 bits, or no secure
  // renegotiation (RFC 5746).
  /^ERR_SSL_(DH_KEY_TOO_SMALL|UNSAFE_LEGACY_RENEGOTIATION_DISABLED)$/,
  // The server supports HTTP/2 only, or does not serve this host.
  /^ERR_SSL_\w+_(ALERT_NO_APPLICATION_PROTOCOL|UNRECOGNIZED_NAME)$/,
  // An address that the stage does not permit.
  /^(INVALID_URL|FORBIDDEN_URL|FORBIDDEN_PORT|FORBIDDEN_ADDRESS)$/,
  // A request that Node refuses to write.
  /^(ERR_INVALID_(CHAR|URL|PROTOCOL|HTTP_TOKEN|ARG_TYPE|ARG_VALUE)|ERR_HTTP_INVALID_HEADER_VALUE)$/,
  /^(ERR_UNESCAPED_CHARACTERS|UNSENDABLE)$/,
];

/**
 * TLS alerts about the client's certificate (RFC 8446, section 6.2). TLS 1.2 reports a missing one as HANDSHAKE_FAILURE, which
 * has other causes too.
 *
 * To an integration that presents none they are a permanent failure: it must be set up first. For one that does they are
 * TLS's 401, and may pass without its doing: the pair was replaced in the secret, the partner's trust store or revocation list
 * is being updated on one server after the other. An expired certificate concerns all deliveries at once. So they are retried,
 * and after ten failures in a row the circuit breaker parks the deliveries, until one is accepted again.
 */
const CLIENT_CERTIFICATE_ALERT =
  /^ERR_SSL_\w+_ALERT_(CERTIFICATE_(REQUIRED|EXPIRED|REVOKED|UNKNOWN)|(BAD|UNSUPPORTED)_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/;

/**
 * Classifies the result of an attempt. Only 2xx means delivered. A redirect is a permanent failure: following it would turn
 * the POST into a GET, whose 200 means nothing.
 *
 * @param retryOnStatus statuses that are retried although they are permanent failures elsewhere
 * @param hasClientCertificate whether the request presented one
 */
export function classify(
  result: SendResult,
  retryOnStatus: readonly number[] = [],
  hasClientCertificate = false,
): Verdict {
  if (result.kind === 'failed') {
    if (CLIENT_CERTIFICATE_ALERT.test(result.code)) {
      return hasClientCertificate
        ? { verdict: 'certificate_refused', reason: `no response: ${result.code} (the client certificate is refused)` }
        : { verdict: 'dead', reason: `no response: ${result.code} (a client certificate is required)` };
    }
    const certificate = certificateFaultOf(result.code);
    if (certificate !== undefined) return { verdict: 'retry', reason: `no response: ${result.code}`, certificate };
    const isPermanent = PERMANENT_FAILURES.some((pattern) => pattern.test(result.code));
    return { verdict: isPermanent ? 'dead' : 'retry', reason: `no response: ${result.code}` };
  }
  const verdict = verdictOf(result.status);
  const isRetried = verdict === 'dead' && retryOnStatus.includes(result.status);
  return { verdict: isRetried ? 'retry' : verdict, reason: `HTTP ${result.status}` };
}

/** @param code of a failed request @returns undefined if a certificate is not the reason, or is a permanent failure */
export function certificateFaultOf(code: string): CertificateFault | undefined {
  return CERTIFICATE_FAULT_BY_CODE.get(code);
}

function verdictOf(status: number): Verdict['verdict'] {
  if (status >= 200 && status < 300) return 'delivered';
  if (status >= 500 || RETRYABLE_STATUSES.has(status)) return 'retry';
  if (status === 401) return 'unauthorized';
  return status === 410 ? 'gone' : 'dead';
}

/** OpenSSL's reason in an EPROTO: `error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:…`. */
const OPENSSL_REASON = /:SSL routines:[^:]*:([^:]+):/;

/**
 * The code of an error. Node reports most handshake failures as EPROTO. They get the code that Node uses for the same reason
 * elsewhere, such as ERR_SSL_WRONG_VERSION_NUMBER, since some are temporary and some are permanent.
 */
export function failureCodeOf(thrown: unknown, otherwise: string): string {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string') return otherwise;
  const reason = code === 'EPROTO' ? OPENSSL_REASON.exec(String(message))?.[1] : undefined;
  const name = reason === undefined ? code : `ERR_SSL_${reason}`;
  // OpenSSL writes some reasons with a slash: `ssl/tls alert handshake failure`.
  return name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
}
