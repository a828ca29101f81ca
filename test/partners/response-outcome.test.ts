import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classify, failureCodeOf } from '../../lambdas/partners/response-outcome.ts';

const answer = (status: number) => classify({ kind: 'answered', status }).verdict;
const failure = (code: string) => classify({ kind: 'failed', code }).verdict;

describe('the verdict on a response', () => {
  test('only 2xx delivers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), (status) => {
        expect(answer(status) === 'delivered').toBe(status >= 200 && status <= 299);
      }),
    );
  });

  test.each([500, 502, 503, 504, 599, 408, 425, 429])('%i is retried', (status) =>
    expect(answer(status)).toBe('retry'),
  );

  test.each([300, 301, 302, 303, 304, 307, 308])('%i is permanent: nothing is followed', (status) => {
    expect(answer(status)).toBe('dead');
  });

  test('401 is worth fresh credentials', () => expect(answer(401)).toBe('unauthorized'));

  test('410 says that the endpoint is gone', () => expect(answer(410)).toBe('gone'));

  test('every other 4xx but 408, 425 and 429 is permanent', () => {
    for (let status = 400; status < 500; status += 1) {
      if (status === 401 || status === 410) continue;
      expect(answer(status)).toBe([408, 425, 429].includes(status) ? 'retry' : 'dead');
    }
  });

  test.each([0, 100, 101, 103, 199])('%i, which ends no exchange, is permanent', (status) => {
    expect(answer(status)).toBe('dead');
  });
});

describe('the verdict without a response', () => {
  test.each([
    'ECONNRESET',
    'ENOTFOUND',
    'TIMEOUT',
    // A handshake that fails on the way, or because the other side is in trouble.
    'EPROTO',
    'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR',
    'ERR_SSL_SSL_TLS_ALERT_BAD_RECORD_MAC',
    'ERR_TLS_HANDSHAKE_TIMEOUT',
  ])('%s may pass', (code) => expect(failure(code)).toBe('retry'));

  test.each([
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'HOSTNAME_MISMATCH',
    'PATH_LENGTH_EXCEEDED',
    'UNSPECIFIED',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSL_TLS_ALERT_CERTIFICATE_UNKNOWN',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  ])('%s lasts: a certificate', (code) => expect(failure(code)).toBe('dead'));

  test.each([
    'ERR_SSL_UNSUPPORTED_PROTOCOL',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY',
    'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    'ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE',
    'ERR_TLS_DH_PARAM_SIZE',
    'ERR_SSL_DH_KEY_TOO_SMALL',
    'ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED',
  ])('%s lasts: TLS too weak', (code) => expect(failure(code)).toBe('dead'));

  test.each([
    'MALFORMED_RESPONSE',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_DATA_LENGTH_TOO_LONG',
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
  ])('%s lasts: something else listens there', (code) => expect(failure(code)).toBe('dead'));

  test.each(['INVALID_URL', 'FORBIDDEN_URL', 'FORBIDDEN_PORT', 'FORBIDDEN_ADDRESS'])(
    '%s lasts: nothing may be sent there',
    (code) => expect(failure(code)).toBe('dead'),
  );

  test.each([
    'ERR_INVALID_CHAR',
    'ERR_INVALID_HTTP_TOKEN',
    'ERR_INVALID_URL',
    'ERR_HTTP_INVALID_HEADER_VALUE',
    'ERR_UNESCAPED_CHARACTERS',
    'UNSENDABLE',
  ])('%s lasts: the request cannot be written', (code) => expect(failure(code)).toBe('dead'));

  test('an unknown code is retried', () => {
    fc.assert(fc.property(fc.stringMatching(/^E[A-Z]{2,10}X$/), (code) => expect(failure(code)).toBe('retry')));
  });
});

test('the reason has the status or the code, and never quotes the partner', () => {
  expect(
    classify({ kind: 'answered', status: 503, responseStart: 'learner@example.com', retryAfter: 'x' }).reason,
  ).toBe('HTTP 503');
  expect(classify({ kind: 'failed', code: 'ECONNRESET' }).reason).toBe('no response: ECONNRESET');
});

describe('the code of a failure', () => {
  const eproto = (reason: string) =>
    Object.assign(new Error(`write EPROTO 40D:error:0A00010B:SSL routines:ssl3_read_bytes:${reason}:../a.c:1:\n`), {
      code: 'EPROTO',
    });

  test.each([
    [eproto('wrong version number'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
    [eproto('ssl/tls alert handshake failure'), 'ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE'],
    [Object.assign(new Error('write EPROTO'), { code: 'EPROTO' }), 'EPROTO'],
    [
      Object.assign(new Error('x'), { code: 'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE' }),
      'ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE',
    ],
    [Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [new TypeError('x'), 'otherwise'],
    [undefined, 'otherwise'],
  ])('%#: %s', (thrown, code) => expect(failureCodeOf(thrown, 'otherwise')).toBe(code));
});
