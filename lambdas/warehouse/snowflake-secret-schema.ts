/** A credential of this age should be rotated, in days: ten before the maximum of 90 (requirement T12). */
export const OLD_CREDENTIAL_DAYS = 80;

/** The secret `/<stage>/snowflake`, as `snowflake-secret.ts` parses it. */
export interface SnowflakeSecret {
  /** `myorg-myaccount`, or a locator with its region: `xy12345.us-east-1`. */
  readonly account: string;
  readonly user: string;
  /** PKCS#8 PEM of an RSA key, not encrypted. */
  readonly private_key?: string;
  /** Only without a key: Snowflake no longer permits password logins of service users. */
  readonly password?: string;
  /** Origin to connect to, if `snowflake-sdk` would derive another one from `account`. */
  readonly access_url?: string;
}
