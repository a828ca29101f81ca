import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from '../../lambdas/domain/retry-after.ts';
import { anyString } from '../support/arbitraries.ts';
import { NOW } from '../support/factories.ts';

const HOUR_MS = 3_600_000;

describe('a delay in seconds', () => {
  test.each([
    ['0', 0],
    ['1', 1_000],
    ['120', 120_000],
    ['007', 7_000],
    [' 5 ', 5_000],
    ['3600', HOUR_MS],
  ])('%j', (header, ms) => expect(retryAfterMs(header, NOW)).toBe(ms));

  test.each(['3601', '86400', '99999999999', '9'.repeat(40)])('%s is cut to an hour', (header) => {
    expect(retryAfterMs(header, NOW)).toBe(MAX_RETRY_AFTER_MS);
    expect(MAX_RETRY_AFTER_MS).toBe(HOUR_MS);
  });
});

describe('a date', () => {
  // NOW is 2026-01-15T12:00:00Z, a Thursday.
  test.each([
    ['Thu, 15 Jan 2026 12:01:30 GMT', 90_000],
    ['Thursday, 15-Jan-26 12:01:30 GMT', 90_000],
    ['Thu Jan 15 12:01:30 2026', 90_000],
    ['Thu Jan  8 12:01:30 2026', 0],
    ['Thu, 15 Jan 2026 12:00:00 GMT', 0],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Fri, 16 Jan 2026 12:00:00 GMT', HOUR_MS],
  ])('%s', (header, ms) => expect(retryAfterMs(header, NOW)).toBe(ms));

  test('of any moment within the hour is waited for to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3600 }), (seconds) => {
        const header = new Date(NOW + seconds * 1000).toUTCString();
        expect(retryAfterMs(header, NOW)).toBe(seconds * 1000);
      }),
    );
  });

  test('is in GMT, whatever the zone of the process', () => {
    const module = new URL('../../lambdas/domain/retry-after.ts', import.meta.url).href;
    const code = `import { retryAfterMs } from ${JSON.stringify(module)};
      console.log(retryAfterMs('Thu Jan 15 12:01:30 2026', ${NOW}));`;
    const env = { ...process.env, TZ: 'America/Los_Angeles' };
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', code], { env, encoding: 'utf8' });
    expect(printed.trim()).toBe('90000');
  });
});

describe('what says nothing usable', () => {
  test.each([
    undefined,
    '',
    ' ',
    '-1',
    '+5',
    '1.5',
    '1e3',
    '0x10',
    '５',
    'soon',
    'in 5 seconds',
    '120, 240',
    '2026-01-15T12:01:30Z',
    'Jan 15 2026',
    'Thu, 15 Jan 2026 12:01:30 +0100',
    'Thu, 15 Foo 2026 12:01:30 GMT',
    'Thu, 15 Jan 2026 25:01:30 GMT',
    '9'.repeat(41),
    `Thu, 15 Jan 2026 12:01:30 GMT${' x'.repeat(1000)}`,
  ])('%j', (header) => expect(retryAfterMs(header, NOW)).toBeUndefined());

  test('whatever stands there, the answer is undefined or a whole wait within the cap', () => {
    fc.assert(
      fc.property(anyString, (header) => {
        const ms = retryAfterMs(header, NOW);
        expect(ms === undefined || (Number.isInteger(ms) && ms >= 0 && ms <= MAX_RETRY_AFTER_MS)).toBe(true);
      }),
    );
  });
});
