import * as z from 'zod';
import {
  isEmptySecretValue,
  isSecretFields,
  readSecretPart,
  type SecretFields,
  type SecretForm,
  type SecretPart,
} from '../shared/secret-text.ts';
import { PRIVATE_KEY_FORM, readPrivateKey } from './private-key-pem.ts';
import { ACCOUNT_FORM, readSnowflakeAccount, type SnowflakeAccount } from './snowflake-account.ts';
import type { SnowflakeSecret } from './snowflake-secret-schema.ts';

const NEEDS = 'every login needs';

const accountForm: SecretForm<SnowflakeAccount> = {
  is: ACCOUNT_FORM,
  read: (value) => (typeof value === 'string' ? readSnowflakeAccount(value) : undefined),
};

const userForm: SecretForm<string> = {
  is: 'a text of 1 to 255 characters',
  read: (value) => (typeof value === 'string' && value.trim().length <= 255 ? value.trim() : undefined),
};

/** Line breaks around the password are removed; spaces may be part of it. */
const passwordForm: SecretForm<string> = {
  is: 'a text',
  read: (value) => (typeof value === 'string' ? value.replaceAll(/^[\r\n]+|[\r\n]+$/g, '') : undefined),
};

const passphraseForm = { ...passwordForm, is: 'the text that decrypts private_key' };

const accessUrlForm: SecretForm<string> = {
  is: 'an https address such as https://myorg-myaccount.privatelink.snowflakecomputing.com',
  read: (value) => (typeof value === 'string' ? originOf(value.trim()) : undefined),
};

/** The local platform uses unencrypted HTTP. `snowflake-sdk` appends its own paths, so a path is dropped. */
function originOf(text: string): string | undefined {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  const isLoopback = url.hostname === '127.0.0.1' || url.hostname === 'localhost';
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback);
  return isAllowed ? url.origin : undefined;
}

/** The names of two keys in Secrets Manager's managed rotation for Snowflake (`SnowflakeKeyPairAuthentication`). */
const MANAGED_NAMES: Readonly<Record<string, string>> = {
  private_key: 'privateKey',
  private_key_passphrase: 'passphrase',
};

/**
 * The secret `/<stage>/snowflake`: `account`, `user`, `private_key` and, if the key is encrypted,
 * `private_key_passphrase`; `password` only without a key; `access_url` if the account has another host.
 *
 * The keys may have our names or those of Secrets Manager's managed rotation; ours have priority. Messages continue "the
 * secret", and name keys, never values.
 */
export const snowflakeSecretSchema = z
  .custom<SecretFields>(isSecretFields, 'is not a JSON object')
  .transform((fields, context): SnowflakeSecret => {
    const instead: string[] = [];
    const read = <T>(key: string, form: SecretForm<T>, needs: string): T | undefined => {
      const part = readSecretPart(givenValue(fields, key), key, form, needs);
      if ('value' in part) return part.value;
      instead.push(part.instead);
      return undefined;
    };
    const optional = <T>(key: string, form: SecretForm<T>, needs: string): T | undefined =>
      isEmptySecretValue(givenValue(fields, key)) ? undefined : read(key, form, needs);

    const account = read('account', accountForm, NEEDS);
    const user = read('user', userForm, NEEDS);
    const accessUrl = optional('access_url', accessUrlForm, 'the connection needs') ?? account?.accessUrl;
    const password = isEmptySecretValue(givenValue(fields, 'private_key'))
      ? optional('password', passwordForm, NEEDS)
      : undefined;
    const key = password === undefined ? readKey(fields) : undefined;
    if (key !== undefined && 'instead' in key) instead.push(key.instead);

    if (instead.length > 0 || account === undefined || user === undefined) {
      context.addIssue(`has ${instead.join(', and ')}`);
      return z.NEVER;
    }
    return {
      account: account.account,
      user,
      ...(key !== undefined && 'value' in key && { private_key: key.value }),
      ...(password !== undefined && { password }),
      ...(accessUrl !== undefined && { access_url: accessUrl }),
    };
  });

const keyForm: SecretForm<string> = {
  is: PRIVATE_KEY_FORM,
  read: (value) => (typeof value === 'string' ? value : undefined),
};

/** The key is parsed here, because the SDK's error quotes an unreadable key. */
function readKey(fields: SecretFields): SecretPart<string> {
  const text = readSecretPart(givenValue(fields, 'private_key'), 'private_key', keyForm, NEEDS);
  if ('instead' in text) return text;
  let key = readPrivateKey(text.value, undefined);
  if ('passphrase' in key) {
    const given = givenValue(fields, 'private_key_passphrase');
    const passphrase = readSecretPart(
      given,
      'private_key_passphrase',
      passphraseForm,
      'the encrypted private_key needs',
    );
    if ('instead' in passphrase) return passphrase;
    key = readPrivateKey(text.value, passphrase.value);
  }
  if ('pem' in key) return { value: key.pem };
  if ('is' in key)
    return { instead: `a value of private_key that is ${key.is}, not ${PRIVATE_KEY_FORM}, which ${NEEDS}` };
  return { instead: `a value of private_key_passphrase that does not decrypt private_key, which ${NEEDS}` };
}

function givenValue(fields: SecretFields, key: string): unknown {
  const managed = MANAGED_NAMES[key];
  return managed !== undefined && isEmptySecretValue(fields[key]) ? fields[managed] : fields[key];
}
