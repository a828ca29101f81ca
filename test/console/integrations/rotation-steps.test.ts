import { describe, expect, test } from '@jest/globals';
import type { CertificateState, SigningState } from '../../../commands/integration/secret-state.ts';
import { certificateSteps, signingSteps } from '../../../console/integrations/rotation-steps.ts';

describe('a signing secret', () => {
  const BEGUN: SigningState = {
    ...{ signing: 2, next_step: 'wait', all_sign_at: '2026-01-15T12:20:00.000Z', old_ends_at: null },
  };

  test.each<[string, SigningState, readonly string[]]>([
    [
      'no rotation',
      { ...BEGUN, signing: 1, next_step: 'make', all_sign_at: null },
      ['info', 'pending', 'pending', 'pending'],
    ],
    ['functions may sign with the old one alone', BEGUN, ['success', 'info', 'pending', 'pending']],
    ['both sign everywhere', { ...BEGUN, next_step: 'switch' }, ['success', 'success', 'info', 'pending']],
  ])('%s', (_name, state, statuses) => {
    expect(signingSteps(state).map(({ status }) => status)).toEqual(statuses);
  });

  test('says from when every webhook has both signatures, and when the old one ends', () => {
    const texts = signingSteps({ ...BEGUN, old_ends_at: '2026-01-16T12:00:00.000Z' }).map(({ text }) => text);
    expect(texts[1]).toContain('from 2026-01-15T12:20:00Z on');
    expect(texts[2]).toContain('before 2026-01-16T12:00:00Z');
    expect(texts[3]).toContain('ends by itself at 2026-01-16T12:00:00Z');
  });
});

describe('a client certificate', () => {
  const NEXT: CertificateState = {
    pair: 'next',
    expires_at: '2027-01-01T00:00:00.000Z',
    days_left: 351,
    state: 'valid',
  };
  const statuses = (...certificates: readonly CertificateState[]) =>
    certificateSteps(certificates).map(({ status }) => status);

  test.each<[string, readonly CertificateState[], readonly string[]]>([
    ['no next pair', [{ ...NEXT, pair: 'current' }], ['info', 'pending', 'pending', 'pending']],
    ['a next pair', [NEXT], ['success', 'info', 'pending', 'pending']],
    ['a next pair that expires soon', [{ ...NEXT, state: 'expiring' }], ['success', 'info', 'pending', 'pending']],
    [
      'a next pair that is not usable',
      [{ ...NEXT, expires_at: null, days_left: null, state: 'faulty' }],
      ['warning', 'pending', 'pending', 'pending'],
    ],
  ])('%s', (_name, certificates, expected) => {
    expect(statuses(...certificates)).toEqual(expected);
  });
});
