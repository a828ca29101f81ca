import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CLOCK_SKEW_MS, signingPeriods, signingSecretsAt } from '../../lambdas/partners/signing-periods.ts';

const END_MS = Date.parse('2026-01-16T12:00:00Z');

/** Ends that are equal, next to each other, or none. */
const notAfterMs = fc.oneof(
  fc.constant(Number.POSITIVE_INFINITY),
  fc.integer({ min: -2, max: 2 }).map((ms) => END_MS + ms),
);

test('the secrets that have not ended sign, newest first; the newest one if all have', () => {
  const ends = fc.array(notAfterMs, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(ends, fc.integer({ min: -4, max: 4 }), (given, offsetMs) => {
      const secrets = given.map((endMs, index) => ({ secret: `whsec_${index}`, notAfterMs: endMs }));
      const nowMs = END_MS + CLOCK_SKEW_MS + offsetMs;
      const lasting = secrets.filter((one) => nowMs - CLOCK_SKEW_MS < one.notAfterMs).map(({ secret }) => secret);
      const parsed = { signing_secrets: secrets.map(({ secret }) => secret), signing_periods: signingPeriods(secrets) };
      expect(signingSecretsAt(parsed, nowMs)).toEqual(lasting.length > 0 ? lasting : ['whsec_0']);
      // Signing allocates nothing.
      expect(signingSecretsAt(parsed, nowMs)).toBe(signingSecretsAt(parsed, nowMs));
    }),
  );
});

test('without an end there are no periods', () => {
  expect(signingPeriods([{ secret: 'whsec_0', notAfterMs: Number.POSITIVE_INFINITY }])).toBeUndefined();
});
