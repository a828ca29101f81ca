import { describe, expect, test } from '@jest/globals';
import { explain } from '../../../commands/integration/explain-response.ts';
import { DELIVERED } from '../operator-world.ts';

const { status: _, ...UNANSWERED } = DELIVERED;
const status = (code: number) => ({ ...DELIVERED, verdict: 'dead', status: code, reason: `HTTP ${code}` }) as const;
const failure = (code: string) => ({ ...UNANSWERED, verdict: 'retry', code, reason: `no response: ${code}` }) as const;
const unsent = (reason: string) => ({ ...UNANSWERED, verdict: 'unsent', reason }) as const;

test('what was delivered needs no words', () => {
  expect(explain(DELIVERED)).toEqual([]);
});

describe('says what it means and what to do', () => {
  // A few of each table: the others are its rows.
  test.each([
    [301, /redirects, which is never followed/, /final address/],
    [401, /does not accept the credentials/, /secret/],
    [418, /refuses the request/, /objects/],
    [599, /the endpoint fails/, /tried again/],
    [101, /no final answer/, /HTTP/],
  ])('HTTP %i', (code, means, remedy) => {
    const text = explain(status(code)).join('\n');
    expect(text).toMatch(means);
    expect(text).toMatch(remedy);
  });

  test.each([
    ['TIMEOUT', /no complete answer/],
    ['CERT_HAS_EXPIRED', /has expired/],
    ['CERT_SIGNATURE_FAILURE', /certificate is not accepted/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /plain http/],
    ['ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE', /no cipher in common/],
    ['ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE', /mutual TLS/],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', /handshake failed/],
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
    ['the secret has a value of api_key that is not a text of 1', /holds it in another form/],
    ['secret /dev/integrations/acme cannot be read: ResourceNotFoundException', /missing or not usable/],
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
    expect(explain({ ...failure('ENOTFOUND'), reason: 'token: no response: ENOTFOUND' }).join('\n')).toMatch(
      /about the token server[\s\S]*no such host/,
    );
    const empty = explain({ ...status(200), verdict: 'retry', reason: 'token: the response has no access_token' });
    expect(empty.join('\n')).toMatch(/no usable access_token/);
  });
});

describe('a response that could not be read after its status', () => {
  const withFault = (response_fault: string, of = DELIVERED) => explain({ ...of, response_fault }).join('\n');

  test.each([
    ['HPE_INVALID_TRANSFER_ENCODING', /Content-Length is there together with Transfer-Encoding/],
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
