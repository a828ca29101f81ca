import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classify } from '../../lambdas/domain/outcome.ts';

const answer = (status: number) => classify({ kind: 'answered', status }).verdict;
const failure = (code: string) => classify({ kind: 'failed', code }).verdict;

describe('what a partner’s answer means', () => {
  test('only 2xx delivers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), (status) => {
        expect(answer(status) === 'delivered').toBe(status >= 200 && status <= 299);
      }),
    );
  });

  test.each([500, 502, 503, 504, 599, 408, 425, 429])('%i may pass', (status) => expect(answer(status)).toBe('retry'));

  test.each([300, 301, 302, 303, 304, 307, 308])('%i is permanent: nothing is followed', (status) => {
    expect(answer(status)).toBe('dead');
  });

  test('every 4xx but 408, 425 and 429 is permanent', () => {
    for (let status = 400; status < 500; status += 1) {
      expect(answer(status)).toBe([408, 425, 429].includes(status) ? 'retry' : 'dead');
    }
  });

  test.each([0, 100, 101, 199])('%i, which ends no exchange, is permanent', (status) => {
    expect(answer(status)).toBe('dead');
  });
});

describe('what no answer means', () => {
  test.each([
    'ECONNRESET',
    'ECONNREFUSED',
    'ETIMEDOUT',
    'EPIPE',
    'ENOTFOUND',
    'EAI_AGAIN',
    'TIMEOUT',
    'HPE_INVALID_CONSTANT',
  ])('%s may pass', (code) => expect(failure(code)).toBe('retry'));

  test.each([
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_REVOKED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'HOSTNAME_MISMATCH',
    'INVALID_URL',
    'FORBIDDEN_URL',
  ])('%s lasts until somebody changes something', (code) => expect(failure(code)).toBe('dead'));
});

test('the reason says the status or the code, and no more', () => {
  expect(classify({ kind: 'answered', status: 503 }).reason).toBe('HTTP 503');
  expect(classify({ kind: 'failed', code: 'ECONNRESET' }).reason).toBe('no answer: ECONNRESET');
});
