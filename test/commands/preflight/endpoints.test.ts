import { expect, test } from '@jest/globals';
import type { Connected } from '../../../commands/preflight/connect.ts';
import { judgeEndpoints } from '../../../commands/preflight/endpoints.ts';
import { NOW } from '../../support/factories.ts';

const ACME = { id: 'acme', url: 'https://hooks.acme.example/in?key=1', isTokenServer: false };
const TOKENS = { id: 'acme', url: 'https://login.acme.example:8443/token', isTokenServer: true };
const TEST = './ltw send-test --integration acme --stage dev';

const certificate = (days: number): Connected => ({ kind: 'tls', certificateEndsMs: NOW + days * 86_400_000 });
const failure = (code: string): Connected => ({ kind: 'failed', code });

function judge(endpoint: Connected, tokenServer: Connected, isHere = false) {
  const seen = [
    { endpoint: ACME, result: endpoint },
    { endpoint: TOKENS, result: tokenServer },
  ];
  return judgeEndpoints(seen, NOW, '--stage dev', isHere);
}

test('all are up: one line, and when the first certificate ends', () => {
  expect(judge(certificate(90), certificate(14))).toEqual([
    { verdict: 'yes', what: 'endpoints, from here', is: 'up: 2 of 2; the first certificate ends in 14 days' },
  ]);
});

test('a certificate that ends within 14 days', () => {
  expect(judge(certificate(13), certificate(90))).toEqual([
    {
      verdict: 'no',
      what: 'endpoint of acme',
      is: 'hooks.acme.example: its certificate ends in 13 days',
      remedy: `${TEST}   # once this is done: the partner must renew it`,
    },
  ]);
});

test('a failure that does not depend on the place is a no, explained as by send-test', () => {
  expect(judge(failure('EODD'), failure('ENOTFOUND'))).toEqual([
    {
      verdict: 'no',
      what: 'endpoint of acme',
      is: 'hooks.acme.example: EODD, no connection was established',
      remedy: `${TEST}   # once this is done: ask the partner`,
    },
    {
      verdict: 'no',
      what: 'token server of acme',
      is: 'login.acme.example:8443: ENOTFOUND, there is no such host',
      remedy: expect.stringMatching(/^\.\/ltw send-test .* # once this is done: compare the host /),
    },
  ]);
});

test.each(['TIMEOUT', 'ECONNREFUSED', 'ECONNRESET', 'CLOSED', 'EHOSTUNREACH', 'EAI_AGAIN'])(
  '%s may be a firewall that allows the stage: not known from here; for the local stage a no',
  (code) => {
    expect(judge(failure(code), certificate(90))).toMatchObject([{ verdict: '?', remedy: TEST }]);
    expect(judge(failure(code), certificate(90), true)).toMatchObject([{ verdict: 'no' }]);
  },
);
