import { describe, expect, test } from '@jest/globals';
import { explain } from '../../../commands/integration/explain-response.ts';
import type { SendTestReport } from '../../../lambdas/delivery/send-test-contract.ts';
import { DELIVERED } from '../operator-world.ts';

const { status: _, ...UNANSWERED } = DELIVERED;
const status = (code: number) => ({ ...DELIVERED, verdict: 'dead', status: code, reason: `HTTP ${code}` }) as const;
const failure = (code: string) => ({ ...UNANSWERED, verdict: 'retry', code, reason: `no response: ${code}` }) as const;
const unsent = (reason: string) => ({ ...UNANSWERED, verdict: 'unsent', reason }) as const;

test('a delivered event needs no explanation', () => {
  expect(explain(DELIVERED)).toEqual([]);
});

// A few of each table: the others are its rows.
test.each([
  [status(101), /no final response[\s\S]*HTTP/],
  [status(301), /redirects, which is never followed[\s\S]*final address/],
  [status(401), /does not accept the credentials[\s\S]*secret/],
  [status(418), /refuses the request/],
  [status(496), /was presented none/],
  [status(599), /the endpoint fails/],
  [failure('TIMEOUT'), /no complete response/],
  [failure('CERT_SIGNATURE_FAILURE'), /certificate is not accepted/],
  [failure('CERT_HAS_EXPIRED'), /has expired[\s\S]*is parked\. "\.\/ltw integration resume acme"/],
  [failure('ERR_SSL_WRONG_VERSION_NUMBER'), /plain http/],
  [failure('ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE'), /no cipher in common/],
  [failure('ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE'), /mutual TLS/],
  [failure('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), /was presented none[\s\S]*client_certificate of the entry/],
  [failure('ERR_SSL_SSL_TLS_ALERT_CERTIFICATE_EXPIRED'), /has expired[\s\S]*next-certificate/],
  [failure('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), /who issued the client certificate/],
  [{ ...status(400), response_start: '<center>No required SSL certificate was sent</center>' }, /presented none/],
  [{ ...status(400), response_start: '<center>The SSL certificate error</center>' }, /refuses the client certificate/],
  [failure('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'), /handshake failed/],
  [unsent('no integration has the id acne'), /list/],
  [unsent('its entry does not fit: url: is missing'), /validate/],
  [unsent('the integrations cannot be read from AppConfig'), /AppConfig does not respond/],
  [unsent('its entry presents no client certificate: client_certificate is not true'), /--next[\s\S]*to true/],
  [unsent('the secret has no next_client_certificate (a PEM)'), /no usable next[\s\S]*"integration next-certificate"/],
  [unsent('the secret has no bearer_token, which auth bearer needs'), /lacks what the entry/],
  [unsent('secret /dev/integrations/acme cannot be read: ResourceNotFoundException'), /missing or not usable/],
])('$reason $code', (report, meaning) => {
  const text = explain(report).join('\n');
  expect(text).toMatch(meaning);
  expect(text).toMatch(/It means: .*\.\nTo do: .*\./);
});

test('a certificate that is dead-lettered parks nothing', () => {
  expect(explain(failure('DEPTH_ZERO_SELF_SIGNED_CERT')).join()).not.toContain('parked');
});

test('an unknown code has no explanation', () => {
  expect(explain(failure('ESOMETHING'))).toEqual([expect.stringMatching(/no explanation/)]);
});

const refused = (code: number, more: Partial<SendTestReport> = {}) =>
  ({ ...status(code), reason: `token: HTTP ${code}`, ...more }) as const;

test.each<[string, SendTestReport, RegExp]>([
  ['credentials are refused in a 2xx', refused(200, { token_error: 'invalid_client' }), /client_id and client_secret/],
  ['credentials are refused', refused(400), /client_id and client_secret/],
  [
    'it names its error',
    refused(400, { token_error: 'invalid_scope' }),
    /does not know the scope[\s\S]*scope of the entry/,
  ],
  ['it is not reached', { ...failure('ENOTFOUND'), reason: 'token: no response: ENOTFOUND' }, /no such host/],
  ['a response without a token', { ...status(200), reason: 'token: no access_token' }, /no usable access_token/],
  [
    'it reads forms only',
    refused(415, { token_setting: { name: 'token_request', value: 'form' } }),
    /set token_request of the entry’s auth to form: this token server may read forms only/,
  ],
  [
    'it wants a Basic header',
    refused(401, { token_setting: { name: 'client_authentication', value: 'basic' } }),
    /into the secret[\s\S]*set client_authentication of the entry’s auth to basic/,
  ],
])('the token server: %s', (_, report, meaning) => {
  const text = explain(report).join('\n');
  expect(text).toMatch(/^This is about the token server/);
  expect(text).toMatch(meaning);
});

describe('a response that cannot be read after its status', () => {
  const withFault = (response_fault: string, of = DELIVERED) => explain({ ...of, response_fault }).join('\n');

  test.each([
    ['HPE_INVALID_TRANSFER_ENCODING', /Content-Length is there together with Transfer-Encoding/],
    ['HPE_SOMETHING_NEW', /not as HTTP has it/],
    ['TIMEOUT', /did not end in time/],
    ['ECONNRESET', /was cut/],
  ])('%s', (fault, meaning) => {
    expect(withFault(fault)).toMatch(meaning);
    expect(withFault(fault)).toMatch(/^The status counts[\s\S]*To do: /);
  });

  test('is explained after the status', () => {
    expect(withFault('ECONNRESET', status(404))).toMatch(/nothing at this path[\s\S]*was cut/);
  });
});
