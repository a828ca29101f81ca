import { describe, expect, test } from '@jest/globals';
import { parseSecretText, RepeatedKey, readSecretPart, secretTextOf } from '../../lambdas/shared/secret-text.ts';

const FIELDS = {
  api_key: 'abc',
  headers: { tenant: 'eu' },
  list: [{ a: 1 }, { a: 2 }],
  deep: { a: { b: 1 }, c: { b: 2 } },
};
const JSON_TEXT = JSON.stringify(FIELDS);

describe('the text of a secret', () => {
  test.each([
    ['as it is', JSON_TEXT],
    ['after a byte order mark', `\uFEFF${JSON_TEXT}`],
    ['in white space', `\r\n ${JSON_TEXT}\n`],
    ['in a JSON text', JSON.stringify(JSON_TEXT)],
    ['in a JSON text, after a byte order mark', `\uFEFF${JSON.stringify(`\uFEFF${JSON_TEXT}`)}\n`],
  ])('is an object %s', (_, text) => expect(parseSecretText(text)).toEqual({ fields: FIELDS }));

  test.each([
    ['no JSON', 'hunter2'],
    ['a list', '["hunter2"]'],
    ['null', 'null'],
    ['encoded three times', JSON.stringify(JSON.stringify(JSON_TEXT))],
    ['a Python dictionary', "{'api_key': 'hunter2'}"],
  ])('is refused if it is %s, and not quoted', (_, text) =>
    expect(parseSecretText(text)).toEqual({ fault: 'is not a JSON object such as {"key": "value"}' }),
  );
});

describe('a repeated key', () => {
  const fieldsOf = (text: string) => (parseSecretText(text) as { fields: Record<string, unknown> }).fields;

  test('has no value, and does not affect its neighbors', () => {
    const fields = fieldsOf('{"headers": {"b": "3", "c": "4", "c": "5"}, "a": "1", "b": "x:\\"y", "\\u0061": "2"}');
    expect(fields.a).toBeInstanceOf(RepeatedKey);
    expect(fields.b).toBe('x:"y');
    expect(fields.headers).toEqual({ b: '3', c: expect.any(RepeatedKey) });
  });

  test('is found in a text that was encoded twice', () => {
    expect(fieldsOf(JSON.stringify('{"a": 1, "a": 1}')).a).toBeInstanceOf(RepeatedKey);
  });

  test('keeps its last value if the secret is written again', () => {
    expect(JSON.parse(JSON.stringify(fieldsOf('{"a": 1, "a": {"b": [2]}, "c": 3}')))).toEqual({ a: { b: [2] }, c: 3 });
  });
});

describe('a version of a secret', () => {
  test('may hold its text as bytes', () => {
    expect(secretTextOf({ SecretBinary: new TextEncoder().encode('{"a":"é"}') })).toBe('{"a":"é"}');
  });

  test('has no text if its bytes are not UTF-8, or if it is empty', () => {
    expect(secretTextOf({ SecretBinary: Uint8Array.of(0xff, 0xfe, 0x7b, 0) })).toBeUndefined();
    expect(secretTextOf({})).toBeUndefined();
  });
});

describe('a part of a secret', () => {
  const form = { is: 'a digit', read: (value: unknown) => (value === '5' ? 5 : undefined) };
  const read = (value: unknown) => readSecretPart(value, 'key', form, 'the test needs');

  test('is read by its form', () => expect(read('5')).toEqual({ value: 5 }));

  test.each([undefined, null, '', ' \r\n', '\uFEFF'])('counts as missing if it is %j', (value) =>
    expect(read(value)).toEqual({ instead: 'no key (a digit), which the test needs' }),
  );

  test.each([[['5']], ['six'], [{}], [false], [0]])('of another form is named without its value: %j', (value) =>
    expect(read(value)).toEqual({ instead: 'a value of key that is not a digit, which the test needs' }),
  );

  test('that is repeated has no value', () =>
    expect(read(new RepeatedKey('5'))).toEqual({ instead: 'more than one key (a digit), which the test needs' }));
});
