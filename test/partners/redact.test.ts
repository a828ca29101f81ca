import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';
import { redact, secretTexts } from '../../lambdas/partners/redact.ts';
import { SIGNING_SECRET } from '../support/sending.ts';

const SECRET = 'canary/token+"quoted"&<x>\'é=%41';

/** How servers write a text within another: each character, or all of it. */
const SPELLINGS: Readonly<Record<string, (said: string) => string>> = {
  'as it is': (said) => said,
  'in JSON': (said) => JSON.stringify(said),
  'in JSON with escaped slashes': (said) => JSON.stringify(said).replaceAll('/', '\\/'),
  // .NET escapes + & < > ' and all that is not ASCII; PHP the slash and the latter.
  'in JSON with all but letters escaped': (said) =>
    said.replace(/[^a-z]/gi, (one) => `\\u${hex(one, 4).toUpperCase()}`),
  'in JSON in JSON': (said) => JSON.stringify(JSON.stringify(said)),
  'in a JavaScript string': (said) => said.replace(/[^a-z]/gi, (one) => `\\x${hex(one, 2)}`),
  'in a page': (said) => said.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`),
  'in a page, in hexadecimal': (said) => said.replace(/[&<>"'/=]/g, (one) => `&#x${hex(one, 2).toUpperCase()};`),
  'in JSON in a page': (said) => JSON.stringify(said).replaceAll('&', '&amp;').replaceAll('"', '&quot;'),
  'in a URL': encodeURIComponent,
  'in a URL in lower case': (said) => encodeURIComponent(said).replace(/%../g, (one) => one.toLowerCase()),
  'in a URL in a URL': (said) => encodeURIComponent(encodeURIComponent(said)),
  'in base64': (said) => Buffer.from(said).toString('base64'),
  'in base64 for URLs': (said) => Buffer.from(said).toString('base64url'),
};

function hex(one: string, digits: number): string {
  return one.charCodeAt(0).toString(16).padStart(digits, '0');
}

describe('a secret is redacted', () => {
  test.each(Object.entries(SPELLINGS))('%s, whatever stands before it', (_, spell) => {
    for (const before of ['', 'a', 'ab', 'abc']) {
      const spelled = spell(`${before}${SECRET}after`);
      // Within base64 up to two characters at each end belong to its neighbours too.
      const whole = spell(SECRET).replace(/=+$/, '');
      const middle = spelled.slice(before.length + 6, before.length + 14);
      expect(whole.length).toBeGreaterThan(14);
      const redacted = redact(spelled, [SECRET]);
      expect([spelled, redacted, redacted.includes(middle)]).toEqual([spelled, redacted, false]);
      expect(redacted).toContain('[redacted]');
    }
  });

  test.each(Object.entries(SPELLINGS))('%s, wherever the response is cut', (_, spell) => {
    const spelled = spell(SECRET);
    const start = Math.max(0, spelled.indexOf('canary'));
    for (let length = start + 8; length < spelled.length; length += 1) {
      const redacted = redact(spelled.slice(0, length), [SECRET]);
      expect([length, redacted]).toEqual([length, expect.not.stringContaining(spelled.slice(start, start + 6))]);
    }
  });

  test('each of several, one within the other too, and nothing else', () => {
    expect(redact('a whsec_abcdef, b xyz-123 and abcdef.', ['abcdef', 'whsec_abcdef', 'xyz-123', ''])).toBe(
      'a [redacted], b [redacted] and [redacted].',
    );
  });
});

test('a text without a secret is unchanged', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...'%&\\#;ux0123456789abcdef', '&amp;', '%25', '\\u0041')).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (said) => {
      expect(redact(said, ['canary-of-a-secret'])).toBe(said);
    }),
  );
});

const echoed = (fields: object, text: string) =>
  redact(text, secretTexts(integrationSecretSchema.parse({ signing_secrets: SIGNING_SECRET, ...fields })));

test.each([
  ['as it is sent, without white space and scheme', { bearer_token: 'Bearer hunter2\n' }],
  ['under a key of its own', { 'headers.tenant': ' hunter2 ' }],
  ['in headers that are a text', { headers: '{"tenant": "hunter2"}' }],
  ['in headers', { headers: { tenant: 'hunter2', other: 5, none: null } }],
  ['with values that are no text', { api_key: 5, client_secret: null, encryption_key: {}, bearer_token: 'hunter2' }],
])('a secret that a response repeats is redacted %s', (_, fields) => {
  expect(echoed(fields, 'you sent hunter2!')).toBe('you sent [redacted]!');
});

test('what is no secret is not redacted', () => {
  expect(echoed({ client_id: 'us', note: 'a', api_key: '', headers: 5 }, 'a message for us')).toBe('a message for us');
});
