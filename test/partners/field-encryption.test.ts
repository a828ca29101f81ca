import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compactDecrypt, decodeProtectedHeader } from 'jose';
import { encryptFields } from '../../lambdas/partners/field-encryption.ts';
import { jsonObjectText, jsonText } from '../support/arbitraries.ts';
import { readJsonValue } from '../support/json-values.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');

/** The JSON text inside a compact JWE, as a partner reads it. */
async function decrypted(jwe: unknown, key = KEY): Promise<string> {
  const { plaintext } = await compactDecrypt(String(jwe), Buffer.from(key, 'base64'));
  return Buffer.from(plaintext).toString();
}

describe('an encrypted field', () => {
  test('is a compact JWE by the integration’s key', async () => {
    const body = await encryptFields('{"user":{"email":"learner@example.com"}}', ['user.email'], KEY);
    const { email } = JSON.parse(body).user;
    expect(email).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(decodeProtectedHeader(email)).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(await decrypted(email)).toBe('"learner@example.com"');
    await expect(decrypted(email, Buffer.alloc(32, 8).toString('base64'))).rejects.toThrow(
      'decryption operation failed',
    );
  });

  test('names its key by the thumbprint of RFC 7638, which differs from key to key', async () => {
    const kidOf = async (key: string) => {
      const { a } = JSON.parse(await encryptFields('{"a":1}', ['a'], key));
      return decodeProtectedHeader(a).kid;
    };
    // SHA-256, base64url, of {"k":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","kty":"oct"}
    expect(await kidOf(KEY)).toBe('X7ZeXWu3bq09ofncmqKiVAjOnOY7Pqoi80PIsv-egCI');
    expect(await kidOf(Buffer.alloc(32, 8).toString('base64'))).not.toBe('X7ZeXWu3bq09ofncmqKiVAjOnOY7Pqoi80PIsv-egCI');
  });

  test('is another text each time, so that equal values are not recognizable', async () => {
    const body = await encryptFields('{"a":"same","b":"same"}', ['a', 'b'], KEY);
    const { a, b } = JSON.parse(body);
    expect(a).not.toBe(b);
    expect(await encryptFields('{"a":"same","b":"same"}', ['a', 'b'], KEY)).not.toBe(body);
  });

  test('contains the JSON text of any value, every number with its digits', async () => {
    await fc.assert(
      fc.asyncProperty(jsonText, async (value) => {
        fc.pre(value !== 'null');
        const { a } = JSON.parse(await encryptFields(`{"a":${value}}`, ['a'], KEY));
        expect(readJsonValue(await decrypted(a))).toEqual(readJsonValue(value));
      }),
    );
  });
});

describe('what is not listed', () => {
  test('keeps all its other values', async () => {
    await fc.assert(
      fc.asyncProperty(jsonObjectText, async (rest) => {
        const body = await encryptFields(`{"user":{"email":"e","rest":${rest}},"rest":${rest}}`, ['user.email'], KEY);
        const jwe = JSON.parse(body).user.email;
        expect(readJsonValue(body)).toEqual(readJsonValue(`{"user":{"email":"${jwe}","rest":${rest}},"rest":${rest}}`));
      }),
    );
  });

  test('keeps its text', async () => {
    const body = await encryptFields(
      '{"score":1.0,"user":{"id":12345678901234567890,"email":"e"}}',
      ['user.email'],
      KEY,
    );
    expect(body).toMatch(/^\{"score":1\.0,"user":\{"id":12345678901234567890,"email":"[^"]+"\}\}$/);
  });
});

describe('a path that leads to no value', () => {
  test.each([
    ['a field that is missing', '{"user":{}}', 'user.email'],
    ['a field that is null', '{"user":{"email":null}}', 'user.email'],
    ['an object that is missing', '{}', 'user.email'],
    ['an object that is null', '{"user":null}', 'user.email'],
    ['an empty list', '{"user":[]}', 'user.email'],
    ['a list of what has none', '{"user":[null,{},[]]}', 'user.email'],
    ['past the end of a list', '{"user":[{"id":1}]}', 'user.1.email'],
    ['to what every JavaScript object inherits', '{"user":{}}', 'user.constructor'],
    ['to what every list inherits', '{"user":[]}', 'user.length'],
    ['to its prototype', '{}', '__proto__.email'],
  ])('leaves the body as it is: %s', async (_what, text, path) => {
    expect(await encryptFields(text, [path], KEY)).toBe(text);
  });

  test('does not keep others from being encrypted', async () => {
    const body = await encryptFields('{"a":"1","b":null}', ['missing', 'b', 'a.b', 'a'], KEY);
    expect(JSON.parse(body)).toEqual({ a: expect.stringMatching(/^ey/), b: null });
    expect(await decrypted(JSON.parse(body).a)).toBe('"1"');
  });
});

describe('a listed field is never readable', () => {
  const CANARY = 'learner@example.com';

  test.each([
    ['at a position', `{"user":[{"id":1},{"email":"${CANARY}"}]}`, 'user.1.email'],
    ['as a text in the way', `{"user":"${CANARY}"}`, 'user.email'],
    ['as texts in a list', `{"user":["${CANARY}","${CANARY}"]}`, 'user.email'],
    ['under a name with dots', `{"user.email":"${CANARY}"}`, 'user.email'],
    ['below a name with dots', `{"a":{"b.c":{"d":"${CANARY}"}}}`, 'a.b.c.d'],
    ['twice, the last time empty', `{"user":{"email":"${CANARY}"},"user":{}}`, 'user.email'],
    ['under an escaped name', `{"us\\u0065r":{"\\u0065mail":"${CANARY}"}}`, 'user.email'],
  ])('%s', async (_, text, path) => {
    const body = await encryptFields(text, [path], KEY);
    expect(body).not.toContain(CANARY);
    expect(() => JSON.parse(body)).not.toThrow();
  });

  test('wherever it stands', async () => {
    // What may stand between the root and the field, and how the path then names it.
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

  test('and what is no part of it stays readable', async () => {
    const text = '{"user":[{"id":1.0,"email":"e"},{"id":2,"email":"f"}],"course":{"email":"help@example.com"}}';
    const { user, course } = JSON.parse(await encryptFields(text, ['user.email'], KEY));
    expect(user).toEqual([
      { id: 1, email: expect.stringMatching(/^ey/) },
      { id: 2, email: expect.stringMatching(/^ey/) },
    ]);
    expect(await decrypted(user[1].email)).toBe('"f"');
    expect(course).toEqual({ email: 'help@example.com' });
  });
});

describe('paths', () => {
  test('are all followed, to fields of any name', async () => {
    const paths = ['a', 'b.c.d', '__proto__.x', 'learning_time.total_seconds'];
    const text = '{"a":true,"b":{"c":{"d":0}},"__proto__":{"x":""},"learning_time":{"total_seconds":18540}}';
    const document = JSON.parse(await encryptFields(text, paths, KEY));
    expect(await decrypted(document.a)).toBe('true');
    expect(await decrypted(document.b.c.d)).toBe('0');
    expect(await decrypted(Object.getOwnPropertyDescriptor(document, '__proto__')?.value.x)).toBe('""');
    expect(await decrypted(document.learning_time.total_seconds)).toBe('18540');
  });

  test.each([[['user', 'user.email']], [['user.email', 'user']], [['user', 'user']]])(
    'that overlap are encrypted once, the outer one: %p',
    async (paths) => {
      const { user } = JSON.parse(await encryptFields('{"user":{"email":"e"}}', paths, KEY));
      expect(await decrypted(user)).toBe('{"email":"e"}');
    },
  );

  test('none leave the body as it is', async () => {
    expect(await encryptFields('{ "a":1.0 }', [], KEY)).toBe('{ "a":1.0 }');
  });
});

test('keys are distinguished, however many there are', async () => {
  const keyOf = (index: number) => Buffer.alloc(32, `key ${index} `).toString('base64');
  for (const index of [...Array(2100).keys(), 0, 1]) {
    const { a } = JSON.parse(await encryptFields(`{"a":${index}}`, ['a'], keyOf(index)));
    if (index % 300 < 2) expect(await decrypted(a, keyOf(index))).toBe(String(index));
  }
});
