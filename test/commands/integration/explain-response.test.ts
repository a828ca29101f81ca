import { describe, expect, test } from '@jest/globals';
import { explain } from '../../../commands/integration/explain-response.ts';
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
  [status(599), /the endpoint fails/],
  [failure('TIMEOUT'), /no complete response/],
  [failure('CERT_SIGNATURE_FAILURE'), /certificate is not accepted/],
  [failure('ERR_SSL_WRONG_VERSION_NUMBER'), /plain http/],
  [failure('ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE'), /no cipher in common/],
  [failure('ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE'), /mutual TLS/],
  [failure('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'), /handshake failed/],
  [unsent('no integration has the id acne'), /list/],
  [unsent('its entry does not fit: url: is missing'), /validate/],
  [unsent('the integrations cannot be read from AppConfig'), /AppConfig does not respond/],
  [unsent('the secret has no bearer_token, which auth bearer needs'), /lacks what the entry/],
  [unsent('secret /dev/integrations/acme cannot be read: ResourceNotFoundException'), /missing or not usable/],
])('$reason $code', (report, meaning) => {
  const text = explain(report).join('\n');
  expect(text).toMatch(meaning);
  expect(text).toMatch(/It means: .*\.\nTo do: .*\./);
});

test('an unknown code has no explanation', () => {
  expect(explain(failure('ESOMETHING'))).toEqual([expect.stringMatching(/no explanation/)]);
});

test.each([
  ['credentials are refused in a 2xx', { ...status(200), reason: 'token: the server refuses the client' }, /client_id/],
  ['credentials are refused', { ...status(400), reason: 'token: HTTP 400' }, /client_id and client_secret/],
  ['it is not reached', { ...failure('ENOTFOUND'), reason: 'token: no response: ENOTFOUND' }, /no such host/],
  ['a response without a token', { ...status(200), reason: 'token: no access_token' }, /no usable access_token/],
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
