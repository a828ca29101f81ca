import { describe, expect, test } from '@jest/globals';
import { classify, failureCodeOf } from '../../lambdas/partners/response-outcome.ts';

const RETRIED = [408, 425, 429];

/** The verdict on each status, by its definition. */
function expected(status: number): string {
  if (status >= 200 && status <= 299) return 'delivered';
  if (status === 401) return 'unauthorized';
  if (status === 410) return 'gone';
  return status >= 500 || RETRIED.includes(status) ? 'retry' : 'dead';
}

test('the status decides: only 2xx delivers, and nothing is followed', () => {
  for (let status = 0; status <= 999; status += 1) {
    const { verdict, reason } = classify({ kind: 'responded', status, responseStart: 'a', retryAfter: 'b' });
    expect([status, verdict, reason]).toEqual([status, expected(status), `HTTP ${status}`]);
  }
});

test('a status that the integration retries is retried, if it is a permanent failure otherwise', () => {
  const all = Array.from({ length: 1000 }, (_, status) => status);
  for (const status of all) {
    const usual = expected(status);
    const result = { kind: 'responded', status } as const;
    expect([status, classify(result, all).verdict]).toEqual([status, usual === 'dead' ? 'retry' : usual]);
    expect(classify(result, [status - 1, status + 1]).verdict).toBe(usual);
  }
});

// sender-tls.test.ts has more of them, from real handshakes.
describe('without a response', () => {
  test.each([
    ['the connection', ['ECONNRESET', 'ENOTFOUND', 'TIMEOUT', 'CLOSED', 'EUNKNOWN']],
    [
      'a handshake that fails on the way, or because the other side is in trouble',
      ['EPROTO', 'ERR_TLS_HANDSHAKE_TIMEOUT'],
    ],
  ])('a temporary failure is retried: %s', (_what, codes) => {
    for (const code of codes) {
      expect(classify({ kind: 'failed', code })).toEqual({ verdict: 'retry', reason: `no response: ${code}` });
    }
  });

  test.each([
    ['CERT_HAS_EXPIRED', 'certificate_expired'],
    ['CERT_NOT_YET_VALID', 'certificate_expired'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate_incomplete'],
    ['UNABLE_TO_GET_ISSUER_CERT', 'certificate_incomplete'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate_incomplete'],
  ])('a certificate that the partner forgot is retried, and its fault is named: %s', (code, certificate) => {
    const verdict = { verdict: 'retry', reason: `no response: ${code}`, certificate };
    expect(classify({ kind: 'failed', code })).toEqual(verdict);
  });

  test.each([
    [
      'a certificate',
      [
        'SELF_SIGNED_CERT_IN_CHAIN',
        'CERT_REVOKED',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'HOSTNAME_MISMATCH',
        'PATH_LENGTH_EXCEEDED',
        'UNSPECIFIED',
        'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
        'ERR_SSL_SSL_TLS_ALERT_CERTIFICATE_UNKNOWN',
      ],
    ],
    [
      'TLS that is too weak',
      [
        'ERR_SSL_UNSUPPORTED_PROTOCOL',
        'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
        'ERR_TLS_DH_PARAM_SIZE',
        'ERR_SSL_DH_KEY_TOO_SMALL',
        'ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED',
      ],
    ],
    ['another service on the port', ['MALFORMED_RESPONSE', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']],
    ['an address that is not permitted', ['INVALID_URL', 'FORBIDDEN_URL', 'FORBIDDEN_PORT', 'FORBIDDEN_ADDRESS']],
    [
      'a request that cannot be written',
      [
        'ERR_INVALID_CHAR',
        'ERR_INVALID_HTTP_TOKEN',
        'ERR_INVALID_URL',
        'ERR_HTTP_INVALID_HEADER_VALUE',
        'ERR_UNESCAPED_CHARACTERS',
        'UNSENDABLE',
      ],
    ],
  ])('a permanent failure is not: %s', (_what, codes) => {
    expect(codes.filter((code) => classify({ kind: 'failed', code }).verdict !== 'dead')).toEqual([]);
  });
});

// test/conformance/client-certificates.test.ts has those of real servers.
test.each([
  ['certificate_refused', '_ALERT_BAD_CERTIFICATE'],
  ['certificate_refused', '_ALERT_UNSUPPORTED_CERTIFICATE'],
  ['certificate_refused', '_ALERT_CERTIFICATE_REVOKED'],
  ['certificate_refused', '_ALERT_CERTIFICATE_EXPIRED'],
  ['certificate_refused', '_ALERT_CERTIFICATE_UNKNOWN'],
  ['certificate_refused', '_ALERT_CERTIFICATE_REQUIRED'],
  ['certificate_refused', '_ALERT_UNKNOWN_CA'],
  ['certificate_refused', '_ALERT_ACCESS_DENIED'],
  // Has other causes too.
  ['dead', '_ALERT_HANDSHAKE_FAILURE'],
  ['retry', '_ALERT_INTERNAL_ERROR'],
])('with a client certificate: %s after %s; without one a refusal is permanent', (verdict, ending) => {
  const result = { kind: 'failed', code: `ERR_SSL_SSL_TLS${ending}` } as const;
  const reason = `no response: ${result.code}`;
  const isRefusal = verdict === 'certificate_refused';
  const of = (words: string) => (isRefusal ? `${reason} (${words})` : reason);
  expect(classify(result, [], true)).toEqual({ verdict, reason: of('the client certificate is refused') });
  const withoutOne = { verdict: isRefusal ? 'dead' : verdict, reason: of('a client certificate is required') };
  expect(classify(result)).toEqual(withoutOne);
});

const eproto = (reason: string) => `write EPROTO 40D:error:0A00010B:SSL routines:ssl3_read_bytes:${reason}:../a.c:1:\n`;

test.each([
  ['EPROTO', eproto('wrong version number'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
  ['EPROTO', eproto('ssl/tls alert handshake failure'), 'ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE'],
  ['EPROTO', 'write EPROTO', 'EPROTO'],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'x', 'ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE'],
  ['ECONNRESET', 'x', 'ECONNRESET'],
  [undefined, 'x', 'otherwise'],
])('the code of a failure: %s, %j', (code, message, expected) => {
  expect(failureCodeOf(Object.assign(new Error(message), { code }), 'otherwise')).toBe(expected);
});

test('the code of what is no error', () => expect(failureCodeOf(undefined, 'otherwise')).toBe('otherwise'));
