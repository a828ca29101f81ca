/** From this age on a credential should be rotated: ten days before document 001's 90. Days. */
export const OLD_CREDENTIAL_DAYS = 80;

/** The secret `/<stage>/snowflake`, as `snowflake-secret.ts` reads it. */
export interface SnowflakeSecret {
  /** `myorg-myaccount`, or a locator with its region: `xy12345.us-east-1`. */
  readonly account: string;
  readonly user: string;
  /** PKCS#8 PEM of an RSA key, not encrypted. */
  readonly private_key?: string;
  /** Only where there is no key: Snowflake has ended password logins for service users. */
  readonly password?: string;
  /** Origin to connect to, where it is not the one that `snowflake-sdk` makes of `account`. */
  readonly access_url?: string;
}
