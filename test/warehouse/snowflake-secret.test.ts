import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { secretFaultOf } from '../../lambdas/shared/secret-text.ts';
import { snowflakeSecretSchema } from '../../lambdas/warehouse/snowflake-secret.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const exported = (options: object = {}) =>
  privateKey.export({ type: 'pkcs8', format: 'pem', ...options } as { type: 'pkcs8'; format: 'pem' }).toString();
const key = exported();
const encrypted = exported({ cipher: 'aes-256-cbc', passphrase: 'correct horse ' });
const bare = key.replaceAll(/-----.*-----|\s/g, '');

const login = { account: 'org-account', user: 'LEARNING_TIME_READER' };
const read = { ...login, private_key: key };
const fault = (secret: unknown) => {
  const { error } = snowflakeSecretSchema.safeParse(secret);
  return error === undefined ? undefined : secretFaultOf(error);
};

describe('the Snowflake secret', () => {
  test.each<[string, object]>([
    ['with a key', read],
    [
      'as Secrets Manager’s own rotation writes it',
      { ...login, privateKey: bare, publicKey: 'public', passphrase: '' },
    ],
    ['in our names if it has both', { ...read, privateKey: 'theirs' }],
    ['in their names if ours are empty', { ...login, private_key: '', privateKey: key, private_key_passphrase: null }],
    [
      'with fields that are not used',
      { ...read, password: 5, private_key_passphrase: 'unused', access_url: '', note: [] },
    ],
    ['with an encrypted key', { ...login, private_key: encrypted, private_key_passphrase: 'correct horse \n' }],
    ['with an encrypted key, in their names', { ...login, privateKey: encrypted, passphrase: 'correct horse ' }],
    [
      'with white space around its values',
      { account: ' org-account\n', user: '\tLEARNING_TIME_READER ', private_key: `\n${key} ` },
    ],
    ['with an address as account', { ...read, account: 'https://org-account.snowflakecomputing.com/console' }],
  ])('is read %s', (_, secret) => expect(snowflakeSecretSchema.parse(secret)).toEqual(read));

  test.each([
    ['no key', {}],
    ['an empty key', { private_key: '', privateKey: null }],
  ])('uses its password if it has %s', (_, key) =>
    expect(snowflakeSecretSchema.parse({ ...login, ...key, password: ' p w \r\n' })).toEqual({
      ...login,
      password: ' p w ',
    }),
  );

  test.each([
    [
      'https://org-account.privatelink.snowflakecomputing.com',
      'https://org-account.privatelink.snowflakecomputing.com',
    ],
    [
      ' https://org-account.privatelink.snowflakecomputing.com/console/\n',
      'https://org-account.privatelink.snowflakecomputing.com',
    ],
    ['org-account.privatelink.snowflakecomputing.com', 'https://org-account.privatelink.snowflakecomputing.com'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
  ])('connects to the origin of %j', (access_url, origin) =>
    expect(snowflakeSecretSchema.parse({ ...read, access_url })).toEqual({ ...read, access_url: origin }),
  );

  test('prefers its access_url to the host of its account', () => {
    const account = 'org-my_account';
    expect(snowflakeSecretSchema.parse({ ...read, account }).access_url).toBe(
      'https://org-my-account.snowflakecomputing.com',
    );
    const access_url = 'https://proxy.example';
    expect(snowflakeSecretSchema.parse({ ...read, account, access_url }).access_url).toBe(access_url);
  });
});

describe('a fault is one sentence with the expected form, and no value', () => {
  const ACCOUNT = 'an account identifier such as myorg-myaccount, or xy12345.us-east-1 for a locator with its region';
  const KEY = 'the PKCS#8 PEM of an RSA key of at least 2048 bits';
  test.each([
    ['no account', { ...read, account: '' }, `has no account (${ACCOUNT}), which every login needs`],
    ['neither key nor password', login, `has no private_key (${KEY}), which every login needs`],
    [
      'a public key',
      { ...login, private_key: publicKey.export({ type: 'spki', format: 'pem' }) },
      `has a value of private_key that is a public key, not ${KEY}, which every login needs`,
    ],
    [
      'a key and a password',
      { ...login, private_key: 'hunter2', password: 'pw' },
      `has a value of private_key that is incomplete, or no key, not ${KEY}, which every login needs`,
    ],
    [
      'no passphrase',
      { ...login, private_key: encrypted },
      'has no private_key_passphrase (the text that decrypts private_key), which the encrypted private_key needs',
    ],
    [
      'another passphrase',
      { ...login, private_key: encrypted, private_key_passphrase: 'hunter2' },
      'has a value of private_key_passphrase that does not decrypt private_key, which every login needs',
    ],
    [
      'an address that is neither TLS nor loopback',
      { ...read, access_url: 'http://hunter2.example' },
      'has a value of access_url that is not an https address such as https://myorg-myaccount.privatelink.snowflakecomputing.com, which the connection needs',
    ],
  ])('%s', (_, secret, sentence) => {
    expect(fault(secret)).toBe(sentence);
  });

  test.each(['https://user:hunter2@host.example', 'ftp://host.example', 'https://', 'not an address', 5])(
    'access_url as %j',
    (access_url) => expect(fault({ ...read, access_url })).toMatch(/^has a value of access_url that is not an https/),
  );
});
