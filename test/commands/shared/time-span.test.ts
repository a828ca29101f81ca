import { describe, expect, test } from '@jest/globals';
import { formatSpan, isTime, readSpan, shortTime } from '../../../commands/shared/time-span.ts';
import { NOW } from '../../support/factories.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const MINUTE_MS = 60_000;
const span = (since?: string, until?: string, usualSince?: string) => readSpan({ since, until }, NOW, usualSince);

describe('--since', () => {
  test.each([
    ['30m', iso(NOW - 30 * MINUTE_MS)],
    ['24h', iso(NOW - 24 * 60 * MINUTE_MS)],
    ['7d', iso(NOW - 7 * 24 * 60 * MINUTE_MS)],
    ['2026-01-01', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T09:00:00+02:00', '2026-01-01T07:00:00.000Z'],
  ])('%s', (text, from) => {
    expect(isTime(text)).toBe(true);
    expect(span(text).from).toBe(from);
  });

  test('is left out: the usual one holds, or there is no beginning', () => {
    expect(span(undefined, undefined, '24h').from).toBe(iso(NOW - 24 * 60 * MINUTE_MS));
    expect(span().from).toBe('1970-01-01T00:00:00.000Z');
  });
});

describe('--until', () => {
  test('a day counts whole, a time counts as it stands', () => {
    expect(span('2026-01-01', '2026-01-01')).toEqual({
      from: '2026-01-01T00:00:00.000Z',
      until: '2026-01-01T23:59:59.999Z',
    });
    expect(span('2026-01-01', '2026-01-01T00:00:00Z').until).toBe('2026-01-01T00:00:00.000Z');
    expect(span('2d', '1h').until).toBe(iso(NOW - 60 * MINUTE_MS));
  });

  test('is left out: there is no end, since a function’s clock may be ahead of this one', () => {
    expect(Date.parse(span('1h').until)).toBeGreaterThan(NOW + 365 * 24 * 60 * MINUTE_MS);
  });

  test('before --since is a usage error', () => {
    expect(() => span('1h', '2h')).toThrow('--until 2h is before 1h');
    expect(() => span(undefined, '2d', '24h')).toThrow(
      `--until 2d is before ${shortTime(iso(NOW - 24 * 60 * MINUTE_MS))}`,
    );
  });
});

test.each(['yesterday', '24 h', '1w', '-1h', '1.5h', '2026-02-30', '2026-01-01T09:00:00', '999999d', ''])(
  '%j is no time',
  (text) => expect(isTime(text)).toBe(false),
);

test('in words: an end that is open is not named', () => {
  expect(formatSpan(span('2026-01-01', '2026-01-02'))).toBe('since 2026-01-01T00:00:00Z until 2026-01-02T23:59:59Z');
  expect(formatSpan(span('2026-01-01'))).toBe('since 2026-01-01T00:00:00Z');
  expect(formatSpan(span(undefined, '2026-01-02'))).toBe('until 2026-01-02T23:59:59Z');
  expect(formatSpan(span())).toBe('at any time');
});
