import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { redact, secretTexts } from '../../lambdas/partners/redact.ts';
import { secret } from '../support/sending.ts';

const SECRET = 'canary/token+"quoted"&<x>\'é=%41';

const hex = (character: string, digits: number) => character.charCodeAt(0).toString(16).padStart(digits, '0');

/** How servers write a text within another: each character, or all of it. */
const SPELLINGS: Readonly<Record<string, (said: string) => string>> = {
  verbatim: (said) => said,
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

test.each(Object.entries(SPELLINGS))('a secret is redacted %s, after any text and if it is cut', (_how, spell) => {
  expect(spell(SECRET).length).toBeGreaterThan(15);
  for (const before of ['', 'a', 'ab', 'abc']) {
    const spelled = spell(`${before}${SECRET}after`);
    // Within base64 up to two characters at each end belong to its neighbours too.
    const middle = spelled.slice(before.length + 6, before.length + 14);
    const redacted = redact(spelled, [SECRET]);
    expect([redacted, redacted.includes(middle)]).toEqual([expect.stringContaining('[redacted]'), false]);
  }
  const spelled = spell(SECRET);
  const start = Math.max(0, spelled.indexOf('canary'));
  for (let length = start + 8; length < spelled.length; length += 1) {
    const redacted = redact(spelled.slice(0, length), [SECRET]);
    expect([length, redacted]).toEqual([length, expect.not.stringContaining(spelled.slice(start, start + 6))]);
  }
});

test('several secrets are redacted, one within another too, and nothing else', () => {
  expect(redact('a whsec_abcdef, b xyz-123 and abcdef.', ['abcdef', 'whsec_abcdef', 'xyz-123', ''])).toBe(
    'a [redacted], b [redacted] and [redacted].',
  );
});

test('a text without a secret is unchanged', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...'%&\\#;ux0123456789abcdef', '&amp;', '%25', '\\u0041')).map((parts) => parts.join('')),
  );
  fc.assert(fc.property(text, (said) => expect(redact(said, ['canary-of-a-secret'])).toBe(said)));
});

test.each([
  ['as it is sent, without white space and scheme', { bearer_token: 'Bearer hunter2\n' }],
  ['under a flat key', { 'headers.tenant': ' hunter2 ' }],
  ['in headers that are a text', { headers: '{"tenant": "hunter2"}' }],
  ['in headers', { headers: { tenant: 'hunter2', other: 5, none: null } }],
  ['next to values that are no text', { api_key: 5, client_secret: null, encryption_key: {}, bearer_token: 'hunter2' }],
])('a secret that a response repeats is redacted %s', (_what, fields) => {
  expect(redact('you sent hunter2!', secretTexts(secret(fields)))).toBe('you sent [redacted]!');
});

test('other values of a secret are not redacted', () => {
  const texts = secretTexts(secret({ client_id: 'us', note: 'a', api_key: '', headers: 5 }));
  expect(redact('a message for us', texts)).toBe('a message for us');
});
