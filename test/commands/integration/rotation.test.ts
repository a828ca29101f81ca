import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nextStep, withNewestSigningSecret, withNewSigningSecret } from '../../../commands/integration/rotation.ts';
import { NOW } from '../../support/factories.ts';

const OLD = 'whsec_old';
const NEW = 'whsec_new';

describe('the next step is read off the secret', () => {
  test('one signing secret: a new one is made; two, written a minute ago: 19 minutes are to wait', () => {
    const state = { writtenAtMs: NOW - 60_000, nowMs: NOW, waitMs: 1_200_000 };
    expect(nextStep({ ...state, signingSecrets: [OLD] })).toEqual({ step: 'make' });
    expect(nextStep({ ...state, signingSecrets: [NEW, OLD] })).toEqual({ step: 'wait', untilMs: NOW + 19 * 60_000 });
  });

  test('the partner is never told to switch before the whole wait is over', () => {
    const secrets = fc.array(fc.string(), { minLength: 2, maxLength: 5 });
    const times = fc.nat({ max: 10_000_000 });
    fc.assert(
      fc.property(secrets, times, times, times, (signingSecrets, writtenAtMs, nowMs, waitMs) => {
        const { step } = nextStep({ signingSecrets, writtenAtMs, nowMs, waitMs });
        expect(step).toBe(nowMs - writtenAtMs >= waitMs ? 'switch' : 'wait');
      }),
    );
  });
});

test('what is written verifies at every point: the old one stays until only the newest is left', () => {
  const before = { signing_secrets: [OLD], bearer_token: 'b', key_of_tomorrow: 1 };
  const during = withNewSigningSecret(before, [OLD], NEW);
  expect(during).toEqual({ ...before, signing_secrets: [NEW, OLD] });
  expect(withNewestSigningSecret(during, [NEW, OLD])).toEqual({ ...before, signing_secrets: [NEW] });
});
