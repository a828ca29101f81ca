import { describe, expect, test } from '@jest/globals';
import { snowflakeSecretSchema } from '../../lambdas/contract/snowflake-secret.ts';

const login = { account: 'org-account', user: 'LEARNING_TIME_READER' };

describe('the Snowflake secret', () => {
  test('is read as Secrets Manager’s own rotation writes it', () => {
    const managed = { ...login, privateKey: 'key', publicKey: 'public', passphrase: 'phrase' };
    expect(snowflakeSecretSchema.parse(managed)).toEqual({
      ...login,
      private_key: 'key',
      private_key_passphrase: 'phrase',
    });
  });

  test('keeps our own names where both stand, and takes an empty passphrase for none', () => {
    const both = { ...login, private_key: 'ours', privateKey: 'theirs', passphrase: '' };
    expect(snowflakeSecretSchema.parse(both)).toEqual({ ...login, private_key: 'ours' });
  });

  test.each([
    ['without key and password', login],
    ['with an address that is neither TLS nor loopback', { ...login, password: 'x', access_url: 'http://example.com' }],
    ['that is no object', 'text'],
  ])('is refused %s', (_, secret) => {
    expect(snowflakeSecretSchema.safeParse(secret).success).toBe(false);
  });
});
