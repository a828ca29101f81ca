import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRetryAfterReader, MAX_RETRY_AFTER_MS, retryAfterMs } from '../../lambdas/partners/retry-after.ts';
import { anyString } from '../support/arbitraries.ts';
import { fakeLog, NOW } from '../support/factories.ts';

const HOUR_MS = 3_600_000;

describe('a delay in seconds', () => {
  test.each([
    ['0', 0],
    ['1', 1_000],
    ['120', 120_000],
    ['007', 7_000],
    [' 5 ', 5_000],
    ['3600', HOUR_MS],
    ['300.0', 300_000],
    ['1.5', 1_500],
    ['0.0001', 1],
    ['"120"', 120_000],
    ['" 7 "', 7_000],
    ['300s', 300_000],
    ['10 sec', 10_000],
    ['5 Seconds', 5_000],
    ['-1', 0],
    ['120, 240', 240_000],
    ['soon, 5', 5_000],
    // Unix seconds, of NOW and 90 s.
    ['1768478490', 90_000],
    ['1768478400', 0],
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
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Fri, 16 Jan 2026 12:00:00 GMT', HOUR_MS],
    ['"Thu, 15 Jan 2026 12:01:30 GMT"', 90_000],
    ['Thu, 15 Jan 2026 12:01:30 UTC', 90_000],
    ['Thu, 15 Jan 2026 13:01:30 +0100', 90_000],
    ['Thu, 15 Jan 2026 12:01:30 GMT, 5', 90_000],
    ['5, Thursday, 15-Jan-26 12:01:30 GMT', 90_000],
    ['Thu, 15 Jan 2026 12:01:30 GMT, Thu, 15 Jan 2026 12:02:00 GMT', 120_000],
    ['2026-01-15T12:01:30Z', 90_000],
    ['2026-01-15T12:01:30', 90_000],
    ['2026-01-15T12:01Z', 60_000],
    ['2026-01-15T13:01:30+01:00', 90_000],
    ['2026-01-15 07:01:30.5-0500', 90_500],
    ['2026-01-15T12:01:30.500Z', 90_500],
    ['2026-01-15T12:01:30.500001Z', 90_501],
  ])('%s', (header, ms) => expect(retryAfterMs(header, NOW)).toBe(ms));

  test('is in GMT, whatever the zone of the process', () => {
    const module = new URL('../../lambdas/partners/retry-after.ts', import.meta.url).href;
    const code = `import { retryAfterMs } from ${JSON.stringify(module)};
      const dates = ['Thu Jan 15 12:01:30 2026', '2026-01-15T12:01:30', '2026-01-15 12:01'];
      console.log(dates.map((date) => retryAfterMs(date, ${NOW})).join());`;
    const env = { ...process.env, TZ: 'America/Los_Angeles' };
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', code], { env, encoding: 'utf8' });
    expect(printed.trim()).toBe('90000,90000,60000');
  });
});

test.each([
  [undefined, '', ' ', ',', '""', '"5', '9'.repeat(201), `Thu, 15 Jan 2026 12:01:30 GMT${' x'.repeat(1000)}`],
  ['+5', '-', '.5', '1e3', '5m', '0x10', '５', 'soon', 'in 5 seconds'],
  ['2026-01-15', '2026-13-45T12:01:30Z', 'Jan 15 2026', 'Thu, 15 Jan 2026 25:01:30 GMT'],
])('is unreadable: %j', (...headers) => {
  expect(headers.filter((header) => retryAfterMs(header, NOW) !== undefined)).toEqual([]);
});

describe('any value', () => {
  test('of several values one that can be read is enough, and none shortens the wait', () => {
    const value = fc.oneof(
      fc.nat(5_000).map(String),
      fc.float({ min: 0, max: 5_000, noNaN: true }).map((seconds) => seconds.toFixed(3)),
      fc.integer({ min: -100, max: 3_700 }).map((seconds) => new Date(NOW + seconds * 1000).toUTCString()),
      fc.integer({ min: -100_000, max: 3_700_000 }).map((ms) => new Date(NOW + ms).toISOString()),
    );
    const junk = fc.constantFrom('soon', '', '"', 'in 5 minutes');
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), fc.array(junk, { maxLength: 2 }), (values, rest) => {
        const alone = values.map((one) => retryAfterMs(one, NOW) as number);
        expect(retryAfterMs([...rest, ...values].join(', '), NOW)).toBe(Math.max(...alone));
      }),
    );
  });

  test('a wait is never shorter than what was asked for, in whatever form', () => {
    const digits = fc.integer({ min: 0, max: 3_599_999_999 });
    fc.assert(
      fc.property(digits, fc.constantFrom('', 's', ' seconds'), fc.boolean(), (microseconds, unit, isQuoted) => {
        const text = `${(microseconds / 1e6).toFixed(6)}${unit}`;
        const ms = retryAfterMs(isQuoted ? `"${text}"` : text, NOW) as number;
        expect(ms * 1000).toBeGreaterThanOrEqual(microseconds);
        expect(ms * 1000).toBeLessThan(microseconds + 1_001);
      }),
    );
  });

  test('of any text, the result is undefined or a whole wait within the limit', () => {
    fc.assert(
      fc.property(anyString, (header) => {
        const ms = retryAfterMs(header, NOW);
        expect(ms === undefined || (Number.isInteger(ms) && ms >= 0 && ms <= MAX_RETRY_AFTER_MS)).toBe(true);
      }),
    );
  });
});

describe('an unreadable value is logged', () => {
  test('once for each integration and form, without its text', () => {
    const log = fakeLog();
    const read = createRetryAfterReader(log);
    expect(read('acme', 'in 5 minutes', NOW)).toBeUndefined();
    expect(read('acme', 'in 10 minutes', NOW)).toBeUndefined();
    read('acme', 'ask\u0000 jane@example.com', NOW);
    read('globex', 'in 5 minutes', NOW);
    expect([read('acme', '5', NOW), read('acme', undefined, NOW)]).toEqual([5_000, undefined]);
    expect(new Set(log.messages())).toEqual(new Set(['delivery.retry_after_unreadable']));
    expect(log.lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { integration_id: 'acme', form: 'a 9 a', characters: 12 }],
      ['warn', { integration_id: 'acme', form: 'a? a@a.a', characters: 21 }],
      ['warn', { integration_id: 'globex', form: 'a 9 a', characters: 12 }],
    ]);
  });

  test('in printable ASCII without letters or digits of the header, at most 40 characters', () => {
    fc.assert(
      fc.property(anyString, (header) => {
        const log = fakeLog();
        createRetryAfterReader(log)('acme', `x${header}`, NOW);
        expect(log.lines[0]?.fields.form).toMatch(/^[^\P{ASCII}\p{Cc}b-zA-Z0-8]{1,40}$/u);
      }),
    );
  });

  test('of at most 1,000 forms in one environment', () => {
    const log = fakeLog();
    const read = createRetryAfterReader(log);
    for (let i = 0; i < 1_100; i += 1) read(`partner-${i}`, 'soon', NOW);
    expect(log.lines).toHaveLength(1_000);
  });
});
