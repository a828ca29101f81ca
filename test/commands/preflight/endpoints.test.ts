import { expect, test } from '@jest/globals';
import type { Connected } from '../../../commands/preflight/connect.ts';
import { judgeEndpoints } from '../../../commands/preflight/endpoints.ts';
import { NOW } from '../../support/factories.ts';

const DAY_MS = 86_400_000;
const ACME = { id: 'acme', url: 'https://hooks.acme.example/in?key=1', isTokenServer: false };
const TOKENS = { id: 'acme', url: 'https://login.acme.example:8443/token', isTokenServer: true };
const TEST = './ltw send-test --integration acme --stage dev';

function certificate(days: number): Connected {
  return { kind: 'tls', certificateEndsMs: NOW + days * DAY_MS };
}

function failure(code: string): Connected {
  return { kind: 'failed', code };
}

function judge(results: readonly (readonly [typeof ACME, Connected])[], isHere = false) {
  const seen = results.map(([endpoint, result]) => ({ endpoint, result }));
  return judgeEndpoints(seen, NOW, '--stage dev', isHere);
}

test('all are up: one line, and when the first certificate ends', () => {
  expect(
    judge([
      [ACME, certificate(90)],
      [TOKENS, certificate(41)],
    ]),
  ).toEqual([
    {
      answer: 'yes',
      what: 'endpoints, from here',
      is: 'up: 2 of 2; the first certificate ends in 41 days',
    },
  ]);
});

test('a certificate that ends within a fortnight', () => {
  expect(judge([[ACME, certificate(14)]])).toMatchObject([{ answer: 'yes' }]);
  expect(
    judge([
      [ACME, certificate(13)],
      [TOKENS, certificate(90)],
    ]),
  ).toEqual([
    {
      answer: 'no',
      what: 'endpoint of acme',
      is: 'hooks.acme.example: its certificate ends in 13 days',
      remedy: `${TEST}   # once this is done: the partner must renew it`,
    },
  ]);
});

test('what is wrong wherever one stands is a no, in the words of send-test', () => {
  expect(
    judge([
      [ACME, failure('CERT_HAS_EXPIRED')],
      [TOKENS, failure('ENOTFOUND')],
    ]),
  ).toEqual([
    {
      answer: 'no',
      what: 'endpoint of acme',
      is: 'hooks.acme.example: CERT_HAS_EXPIRED, the endpoint’s certificate has expired',
      remedy: `${TEST}   # once this is done: the partner must renew it`,
    },
    {
      answer: 'no',
      what: 'token server of acme',
      is: 'login.acme.example:8443: ENOTFOUND, there is no such host',
      remedy: expect.stringMatching(/^\.\/ltw send-test .* # once this is done: compare the host /),
    },
  ]);
});

test.each(['TIMEOUT', 'ECONNREFUSED', 'ECONNRESET', 'CLOSED', 'EHOSTUNREACH', 'EAI_AGAIN'])(
  '%s may be a firewall that knows the stage: not known from here; of the local stage it is a no',
  (code) => {
    expect(judge([[ACME, failure(code)]])).toMatchObject([{ answer: '?', remedy: TEST }]);
    expect(judge([[ACME, failure(code)]], true)).toMatchObject([{ answer: 'no' }]);
  },
);

test('a code that nobody has met', () => {
  expect(judge([[ACME, failure('EODD')]])).toMatchObject([
    { answer: 'no', is: 'hooks.acme.example: EODD, no connection came about' },
  ]);
});
