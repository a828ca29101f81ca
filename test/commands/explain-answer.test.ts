import { describe, expect, test } from '@jest/globals';
import { explain } from '../../commands/explain-answer.ts';
import type { SendTestReport } from '../../lambdas/contract/send-test.ts';
import { DELIVERED } from './operator-world.ts';

const { status: _, ...UNANSWERED } = DELIVERED;
const status = (code: number): SendTestReport => ({
  ...DELIVERED,
  verdict: 'dead',
  status: code,
  reason: `HTTP ${code}`,
});
const failure = (code: string): SendTestReport => ({
  ...UNANSWERED,
  verdict: 'retry',
  code,
  reason: `no answer: ${code}`,
});
const unsent = (reason: string): SendTestReport => ({ ...UNANSWERED, verdict: 'unsent', reason });

test('what was delivered needs no words', () => {
  expect(explain(DELIVERED)).toEqual([]);
});

describe('says what it means and what to do', () => {
  test.each([
    [301, /redirects, which is never followed/, /final address/],
    [307, /redirects, which is never followed/, /final address/],
    [400, /cannot use the body/, /payload_format/],
    [401, /does not accept the credentials/, /secret/],
    [403, /does not allow it/, /EgressAddresses/],
    [404, /nothing at this path/, /url/],
    [405, /takes no POST/, /address that takes webhooks/],
    [410, /gone for good/, /resume ID/],
    [413, /no body of this size/, /256 KB/],
    [415, /application\/json/, /JSON/],
    [418, /refuses the request/, /objects/],
    [429, /no more requests/, /max_requests_per_minute/],
    [500, /the endpoint fails/, /tried again/],
    [503, /down or overloaded/, /tried again/],
    [101, /no final answer/, /HTTP/],
  ])('HTTP %i', (code, means, remedy) => {
    const text = explain(status(code)).join('\n');
    expect(text).toMatch(means);
    expect(text).toMatch(remedy);
  });

  test.each([
    ['INVALID_URL', /url is none/],
    ['FORBIDDEN_URL', /over https only/],
    ['FORBIDDEN_PORT', /443 and 8443/],
    ['FORBIDDEN_ADDRESS', /not public/],
    ['TIMEOUT', /no complete answer/],
    ['CLOSED', /closed the connection/],
    ['ECONNREFUSED', /nothing listens/],
    ['ECONNRESET', /cut the connection/],
    ['ENOTFOUND', /no such host/],
    ['EAI_AGAIN', /name server does not answer/],
    ['CERT_HAS_EXPIRED', /has expired/],
    ['CERT_NOT_YET_VALID', /not valid yet/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /another host/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /signed its certificate itself/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /authority of its own/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /intermediate certificate is missing/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /issuer .* not known/],
    ['CERT_SIGNATURE_FAILURE', /certificate is not accepted/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /plain http/],
    ['ERR_SSL_DH_KEY_TOO_SMALL', /too weak/],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', /TLS 1\.2/],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', /no cipher in common/],
    ['ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE', /no cipher in common/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /mutual TLS/],
    ['ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE', /mutual TLS/],
    ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', /does not serve this host/],
    ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', /HTTP\/2 only/],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', /handshake failed/],
    ['MALFORMED_RESPONSE', /not HTTP/],
    ['ERR_INVALID_CHAR', /cannot be written/],
  ])('%s', (code, means) => {
    const text = explain(failure(code)).join('\n');
    expect(text).toMatch(means);
    expect(text).toMatch(/To do: /);
  });

  test.each([
    ['no integration has the id acne', /list/],
    ['its entry does not fit: url: is missing', /validate/],
    ['the integrations cannot be read from AppConfig', /AppConfig does not answer/],
    ['the secret has no bearer_token, which auth bearer needs', /lacks what the entry/],
    ['secret /dev/integrations/acme cannot be read: ResourceNotFoundException', /missing or not usable/],
    ['the secret has a value of api_key that is not a text of 1', /holds it in another form/],
    ['secret /dev/integrations/acme has no signing_secrets (a list of', /missing or not usable/],
    ['secret /dev/integrations/acme is not a JSON object such as', /missing or not usable/],
  ])('unsent: %s', (reason, expected) => {
    expect(explain(unsent(reason)).join('\n')).toMatch(expected);
  });
});

describe('the token server', () => {
  test('a refused client is about its credentials', () => {
    const refused = 'token: the server refuses the client, by an error in a 2xx, with fresh credentials too';
    expect(explain({ ...status(200), verdict: 'dead', reason: refused }).join('\n')).toMatch(
      /client_id and client_secret/,
    );
    const text = explain({ ...status(400), reason: 'token: HTTP 400' }).join('\n');
    expect(text).toMatch(/about the token server/);
    expect(text).toMatch(/client_id and client_secret/);
    expect(text).not.toMatch(/payload_format/);
  });

  test('a server that cannot be reached, and an answer without a token', () => {
    expect(explain({ ...failure('ENOTFOUND'), reason: 'token: no answer: ENOTFOUND' }).join('\n')).toMatch(
      /about the token server[\s\S]*no such host/,
    );
    const empty = explain({ ...status(200), verdict: 'retry', reason: 'token: the answer holds none' });
    expect(empty.join('\n')).toMatch(/no usable access_token/);
  });
});

describe('a response that could not be read after its status', () => {
  const withFault = (response_fault: string, of = DELIVERED) => explain({ ...of, response_fault }).join('\n');

  test.each([
    ['HPE_INVALID_TRANSFER_ENCODING', /Content-Length is there together with Transfer-Encoding/],
    ['HPE_UNEXPECTED_CONTENT_LENGTH', /Content-Length is there twice, or together with Transfer-Encoding/],
    ['HPE_INVALID_CONTENT_LENGTH', /Content-Length/],
    ['HPE_HEADER_OVERFLOW', /16 KB/],
    ['HPE_CR_EXPECTED', /CR and LF/],
    ['HPE_INVALID_HEADER_TOKEN', /a header or the status line/],
    ['HPE_INVALID_CHUNK_SIZE', /chunked, and the body is not/],
    ['HPE_INVALID_CONSTANT', /more follows/],
    ['HPE_SOMETHING_NEW', /not as HTTP has it/],
    ['TIMEOUT', /did not end in time/],
    ['ECONNRESET', /was cut/],
  ])('was delivered all the same, and its fault is said: %s', (fault, words) => {
    expect(withFault(fault)).toMatch(words);
    expect(withFault(fault)).toMatch(/The status counts[\s\S]*To do: /);
  });

  test('is said after what its status means', () => {
    expect(withFault('ECONNRESET', status(404))).toMatch(/nothing at this path[\s\S]*was cut/);
  });
});

test('what nobody foresaw is said to be unknown', () => {
  expect(explain(failure('ESOMETHING'))).toEqual([expect.stringMatching(/Nothing more is known/)]);
});
