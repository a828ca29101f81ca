import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reasonPattern } from '../../../commands/ledger/reason-pattern.ts';
import { commandText } from '../../../console/command-text.ts';

describe('the pattern of a reason', () => {
  test.each([
    ['HTTP 410', 'HTTP 410'],
    ['token: HTTP 401', 'token: HTTP 401'],
    ['no response: ERR_TLS_CERT_ALTNAME_INVALID', 'no response: ERR_TLS_CERT_ALTNAME_INVALID'],
    ['8 attempts failed, the last with: HTTP 503', '<number> attempts failed, the last with: HTTP 503'],
    ['throttled for 1,234.5 seconds', 'throttled for <number> seconds'],
    ['the queue of n8n-inactive', 'the queue of n8n-inactive'],
    ['see https://partner.example/a?b=1#c, or not', 'see <url> or not'],
    ['since 2026-01-15T12:00:00.000Z or 2026-01-15', 'since <time> or <time>'],
    [`superseded by wh_${'4a'.repeat(20)}`, 'superseded by <id>'],
    ['enterprise 6b0f2d7e-0c8e-4b0e-9d6c-0123456789ab', 'enterprise <id>'],
    ['request deadbeef01 failed', 'request <id> failed'],
    ['a\tb\r\n  c\u001b[31m\u202ed\ud800 ', 'a b c?[31m?d?'],
    ['', ''],
  ])('%j', (reason, pattern) => {
    expect(reasonPattern(reason)).toBe(pattern);
  });

  const anyReason = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc
      .array(
        fc.oneof(
          fc.constantFrom(...['HTTP ', '<', '>', '.', '-', ':', 'wh_', 'https://', 'T', 'Z', '\u202e', '\u001b[K']),
          fc.nat().map(String),
          fc.uuid(),
          fc.date({ noInvalidDate: true }).map((at) => at.toISOString()),
          fc.string({ maxLength: 3 }),
        ),
      )
      .map((parts) => parts.join('')),
  );

  test('of a pattern is the same, so that an operator can name a group by the reason of one delivery', () => {
    fc.assert(
      fc.property(anyReason, (reason) => {
        const pattern = reasonPattern(reason);
        expect(reasonPattern(pattern)).toBe(pattern);
      }),
    );
  });

  test('is one line of characters that a shell passes as they are shown', () => {
    fc.assert(
      fc.property(anyReason, (reason) => {
        const pattern = reasonPattern(reason);
        expect(pattern).not.toMatch(/[\p{C}\u2028\u2029]/u);
        expect(pattern.isWellFormed()).toBe(true);
        const shown = commandText(['replay', `--error-like=${pattern}`], 'local')
          .slice('./ltw replay '.length)
          .replace(/^--stage local | --stage local$/, '');
        const asRead = shown.startsWith("'") ? shown.slice(1, -1).replaceAll(`'\\''`, "'") : shown;
        expect(asRead).toBe(`--error-like=${pattern}`);
      }),
    );
  });

  test('does not depend on ids and numbers', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(), fc.webUrl(), (id, count, url) => {
        expect(reasonPattern(`delivery ${id}: ${count} of ${url} failed`)).toBe(
          'delivery <id>: <number> of <url> failed',
        );
      }),
    );
  });
});
