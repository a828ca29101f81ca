import * as z from 'zod';

/** From this age on a credential should be rotated: ten days before document 001's 90. Days. */
export const OLD_CREDENTIAL_DAYS = 80;

const loopbackOrTls = z
  .string()
  .regex(/^(https:\/\/[^\s]+|http:\/\/(127\.0\.0\.1|localhost)(:\d+)?\/?)$/, 'must be https, or http on loopback');

/**
 * The secret `/<stage>/snowflake`, as JSON.
 *
 * A key pair is the rule: Snowflake has ended password logins for service users. A password is used only where the
 * secret has no key. `access_url` is for accounts behind PrivateLink; it defaults to the account's public address.
 */
export const snowflakeSecretFields = z
  .object({
    account: z.string().min(1),
    user: z.string().min(1),
    /** PKCS#8 PEM; a key without header and line breaks is accepted and wrapped again. */
    private_key: z.string().min(1).optional(),
    private_key_passphrase: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    access_url: loopbackOrTls.optional(),
  })
  .refine((secret) => secret.private_key !== undefined || secret.password !== undefined, {
    message: 'has neither private_key nor password',
    path: ['private_key'],
  });
/** What Secrets Manager's own rotation for Snowflake (`SnowflakeKeyPairAuthentication`) calls two of the fields. */
const MANAGED_NAMES = { privateKey: 'private_key', passphrase: 'private_key_passphrase' } as const;

/** The secret in our own names, whoever wrote it. Ours win where both stand; an empty passphrase is none. */
export const snowflakeSecretSchema = z.preprocess((value) => {
  if (typeof value !== 'object' || value === null) return value;
  const renamed: Record<string, unknown> = {};
  for (const [theirs, ours] of Object.entries(MANAGED_NAMES)) {
    const given = (value as Record<string, unknown>)[theirs];
    if (given !== undefined && given !== '') renamed[ours] = given;
  }
  return { ...renamed, ...value };
}, snowflakeSecretFields);
export type SnowflakeSecret = z.infer<typeof snowflakeSecretSchema>;
