import { expect, test } from '@jest/globals';
import { warningOf } from '../../../console/dead-letters/warnings.ts';

const ACTIVE = { id: 'acme', state: 'active', last_response: 'HTTP 200', last_response_at: null } as const;

test('an operator is warned of a replay that would fail again, or be parked', () => {
  expect(warningOf(ACTIVE)).toBeUndefined();
  expect(warningOf({ ...ACTIVE, last_response: null })).toBeUndefined();
  expect(warningOf({ ...ACTIVE, last_response: 'HTTP 503' })).toMatch(/^acme last responded HTTP 503: .* fail again/);
  expect(warningOf({ ...ACTIVE, last_response: 'no response: TIMEOUT' })).toMatch(/no response: TIMEOUT/);
  expect(warningOf({ ...ACTIVE, state: 'paused' })).toMatch(/^acme is paused: .* parked/);
  expect(warningOf({ ...ACTIVE, state: 'off' })).toMatch(/filtered/);
});
