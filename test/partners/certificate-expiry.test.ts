import { expect, test } from '@jest/globals';
import { describeValidity, validityOf } from '../../lambdas/partners/certificate-expiry.ts';

const PERIOD = { validFromMs: Date.UTC(2026, 0, 1), expiresAtMs: Date.UTC(2026, 5, 30, 12) };

test.each([
  ['2025-12-31T23:59:59.999Z', 'not_yet_valid', 'a client_certificate that is valid from 2026-01-01 on'],
  ['2026-01-01T00:00:00Z', 'valid', undefined],
  ['2026-05-31T11:59:59.999Z', 'valid', undefined],
  ['2026-05-31T12:00:00Z', 'expiring', 'a client_certificate that expires on 2026-06-30, in 30 days'],
  ['2026-06-29T11:00:00Z', 'expiring', 'a client_certificate that expires on 2026-06-30, in 1 day'],
  ['2026-06-30T11:59:59.999Z', 'expiring', 'a client_certificate that expires on 2026-06-30, in 0 days'],
  ['2026-06-30T12:00:00Z', 'expired', 'a client_certificate that expired on 2026-06-30'],
])('at %s a certificate is %s', (now, state, sentence) => {
  const nowMs = Date.parse(now);
  expect(validityOf(PERIOD, nowMs)).toEqual({ state, daysLeft: (PERIOD.expiresAtMs - nowMs) / 86_400_000 });
  expect(describeValidity(PERIOD, 'client_certificate', nowMs)).toBe(sentence);
});
