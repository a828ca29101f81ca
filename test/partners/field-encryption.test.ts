import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compactDecrypt, decodeProtectedHeader } from 'jose';
import { encryptFields } from '../../lambdas/partners/field-encryption.ts';
import { jsonObjectText, jsonText } from '../support/arbitraries.ts';
import { readJsonValue } from '../support/json-values.ts';

const keyOf = (text: string) => Buffer.alloc(32, text).toString('base64');
const KEY = Buffer.alloc(32, 7).toString('base64');

/** The JSON text inside a compact JWE, as a partner reads it. */
async function decrypted(jwe: unknown, key = KEY): Promise<string> {
  const { plaintext } = await compactDecrypt(String(jwe), Buffer.from(key, 'base64'));
  return Buffer.from(plaintext).toString();
}

test('an encrypted field is a compact JWE that names its key by the thumbprint of RFC 7638', async () => {
  const { user } = JSON.parse(await encryptFields('{"user":{"email":"learner@example.com"}}', ['user.email'], KEY));
  expect(user.email).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  // SHA-256, base64url, of {"k":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","kty":"oct"}
  const kid = 'X7ZeXWu3bq09ofncmqKiVAjOnOY7Pqoi80PIsv-egCI';
  expect(decodeProtectedHeader(user.email)).toEqual({ alg: 'dir', enc: 'A256GCM', kid });
  expect(await decrypted(user.email)).toBe('"learner@example.com"');
  await expect(decrypted(user.email, keyOf('another'))).rejects.toThrow('decryption operation failed');
});

test('an encrypted field has another text each time, so that equal values are not recognizable', async () => {
  const encrypt = async () => JSON.parse(await encryptFields('{"a":"same","b":"same"}', ['a', 'b'], KEY));
  const [one, other] = [await encrypt(), await encrypt()];
  expect(new Set([one.a, one.b, other.a, other.b]).size).toBe(4);
});

test('an encrypted field has the JSON text of any value, and other values stay, digit by digit', async () => {
  await fc.assert(
    fc.asyncProperty(jsonText, jsonObjectText, async (value, rest) => {
      fc.pre(value !== 'null');
      const body = await encryptFields(`{"user":{"a":${value},"rest":${rest}},"rest":${rest}}`, ['user.a'], KEY);
      const jwe = JSON.parse(body).user.a;
      expect(readJsonValue(await decrypted(jwe))).toEqual(readJsonValue(value));
      expect(readJsonValue(body)).toEqual(readJsonValue(`{"user":{"a":"${jwe}","rest":${rest}},"rest":${rest}}`));
    }),
  );
});

test.each([
  ['a field that is missing', '{"user":{}}', 'user.email'],
  ['a field that is null', '{"user":{"email":null}}', 'user.email'],
  ['an object that is missing', '{}', 'user.email'],
  ['an object that is null', '{"user":null}', 'user.email'],
  ['an array of values without it', '{"user":[null,{},[]]}', 'user.email'],
  ['past the end of an array', '{"user":[{"id":1}]}', 'user.1.email'],
  ['to what every object inherits', '{"user":{}}', 'user.constructor'],
  ['to what every array inherits', '{"user":[]}', 'user.length'],
  ['to its prototype', '{}', '__proto__.email'],
])('a path that leads to no value leaves the body as it is: %s', async (_what, text, path) => {
  expect(await encryptFields(text, [path], KEY)).toBe(text);
});

test('no path leaves the body as it is', async () => {
  expect(await encryptFields('{ "a":1.0 }', [], KEY)).toBe('{ "a":1.0 }');
});

describe('a listed field is never readable', () => {
  const CANARY = 'learner@example.com';

  test.each([
    ['at a position', `{"user":[{"id":1},{"email":"${CANARY}"}]}`, 'user.1.email'],
    ['as a text in the way', `{"user":"${CANARY}"}`, 'user.email'],
    ['as texts in an array', `{"user":["${CANARY}","${CANARY}"]}`, 'user.email'],
    ['under a name with dots', `{"user.email":"${CANARY}"}`, 'user.email'],
    ['below a name with dots', `{"a":{"b.c":{"d":"${CANARY}"}}}`, 'a.b.c.d'],
    ['twice, the last time empty', `{"user":{"email":"${CANARY}"},"user":{}}`, 'user.email'],
    ['under an escaped name', `{"us\\u0065r":{"\\u0065mail":"${CANARY}"}}`, 'user.email'],
  ])('%s', async (_what, text, path) => {
    const body = await encryptFields(text, [path], KEY);
    expect(body).not.toContain(CANARY);
    expect(() => JSON.parse(body)).not.toThrow();
  });

  test('however it is nested', async () => {
    // What may be between the root and the field, and how the path then names it.
    const wrapping = fc.constantFrom<(inner: string) => string>(
      (inner) => `[${inner}]`,
      (inner) => `[null,1.0,{"other":true},${inner}]`,
      (inner) => inner,
      (inner) => JSON.stringify(inner),
    );
    const name = fc.constantFrom('user', 'email', '__proto__', 'constructor', '0', 'length', 'toJSON');
    const step = fc.tuple(name, fc.boolean(), wrapping);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), wrapping, async (steps, root) => {
        const inner = steps.reduceRight(
          (text, [key, hasDecoy, wrap]) => `{${hasDecoy ? `"${key}":"${CANARY}",` : ''}"${key}":${wrap(text)}}`,
          `"${CANARY}"`,
        );
        const body = await encryptFields(root(inner), [steps.map(([key]) => key).join('.')], KEY);
        expect(body).not.toContain(CANARY);
      }),
    );
  });

  test('and other fields stay readable', async () => {
    const text = '{"user":[{"id":1,"email":"e"},{"id":2,"email":"f"}],"course":{"email":"help@example.com"}}';
    const { user, course } = JSON.parse(await encryptFields(text, ['user.email'], KEY));
    const email = expect.stringMatching(/^ey/);
    expect([user, course]).toEqual([
      [
        { id: 1, email },
        { id: 2, email },
      ],
      { email: 'help@example.com' },
    ]);
    expect(await decrypted(user[1].email)).toBe('"f"');
  });
});

test('all paths are followed, to fields of any name and past those that lead nowhere', async () => {
  const paths = ['missing', 'a', 'b.c.d', '__proto__.x', 'none', 'learning_time.total_seconds'];
  const text = '{"a":true,"b":{"c":{"d":0}},"__proto__":{"x":""},"none":null,"learning_time":{"total_seconds":5}}';
  const document = JSON.parse(await encryptFields(text, paths, KEY));
  const { x } = Object.getOwnPropertyDescriptor(document, '__proto__')?.value ?? {};
  const fields = [document.a, document.b.c.d, x, document.learning_time.total_seconds];
  expect(await Promise.all(fields.map((field) => decrypted(field)))).toEqual(['true', '0', '""', '5']);
  expect(document.none).toBeNull();
});

test.each([[['user', 'user.email']], [['user.email', 'user']], [['user', 'user']]])(
  'of paths that overlap the outer field is encrypted, once: %p',
  async (paths) => {
    const { user } = JSON.parse(await encryptFields('{"user":{"email":"e"}}', paths, KEY));
    expect(await decrypted(user)).toBe('{"email":"e"}');
  },
);

test('each integration’s key encrypts its own fields', async () => {
  for (const key of [keyOf('one'), keyOf('other'), keyOf('one')]) {
    const { a } = JSON.parse(await encryptFields('{"a":1}', ['a'], key));
    expect(await decrypted(a, key)).toBe('1');
  }
});
