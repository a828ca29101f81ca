/** The required form of an account, for the operator. */
export const ACCOUNT_FORM =
  'an account identifier such as myorg-myaccount, or xy12345.us-east-1 for a locator with its region';

export interface SnowflakeAccount {
  readonly account: string;
  /** Origin to connect to, if `snowflake-sdk` would derive another one from the account. */
  readonly accessUrl?: string;
}

/** Snowsight, Snowflake's console: `https://app.snowflake.com/myorg/myaccount`, or `/us-east-1/xy12345`. */
const CONSOLE = /^app\.snowflake\.com\/([^/]+)\/([^/]+)/i;
/** An account's host. */
const HOST = /^([^/]+)\.snowflakecomputing\.(com|cn|mil)$/i;
/** Organization and account, or a locator. In DNS names a hyphen replaces an underscore. */
const NAME = /^(?=.{1,63}$)[a-z0-9]\w*(-\w+)*$/i;
/** `us-east-1`, `west-us-2`, `us-central1`: every region has a hyphen, and no organization has one. */
const REGION = /^[a-z]+(-[a-z0-9]+)+$/i;
const CLOUD = /^(aws|azure|gcp)$/i;
/** An account as SQL and data sharing write it: `MYORG.MYACCOUNT`. */
const ORGANIZATION = /^[a-z0-9]+$/i;
const ACCOUNT_NAME = /^[a-z][a-z0-9_]*$/i;

/**
 * Reads an account in the forms that Snowflake shows: its identifier, with a hyphen or a dot, in any case; the URL of the
 * account, with or without `https://` and a path; a Snowsight URL; a locator with its region.
 *
 * Source: Snowflake's documentation, "Account identifiers".
 *
 * @returns undefined if the text has another form
 */
export function readSnowflakeAccount(text: string): SnowflakeAccount | undefined {
  const trimmed = text
    .trim()
    .replaceAll(/^["'`]|["'`]$/g, '')
    .trim();
  const address = trimmed.replace(/^https?:\/\//i, '');
  const [, first, second] = CONSOLE.exec(address) ?? [];
  if (first !== undefined && second !== undefined) {
    return REGION.test(first.split('.')[0] ?? '') ? identified(`${second}.${first}`) : identified(`${first}-${second}`);
  }
  const [authority = ''] = address.split(/[/?#]/);
  const [, name, domain] = HOST.exec(authority.replace(/:443$/, '').replace(/\.$/, '')) ?? [];
  if (name === undefined) return address === trimmed ? identified(trimmed) : undefined;
  const account = identified(name);
  // The SDK derives other domains from the region only.
  if (account === undefined || domain?.toLowerCase() === 'com') return account;
  return { ...account, accessUrl: `https://${hostLabel(name)}.snowflakecomputing.${domain}` };
}

function identified(name: string): SnowflakeAccount | undefined {
  const [account = '', ...rest] = name.split('.');
  const [second, third] = rest;
  if (!NAME.test(account)) return undefined;
  if (rest.length === 0 || isNetwork(rest)) return withHost(name);
  if (rest.length === 1 && second !== undefined && ORGANIZATION.test(account) && ACCOUNT_NAME.test(second)) {
    return withHost(`${account}-${second}`);
  }
  if (second === undefined || !REGION.test(second)) return undefined;
  const afterRegion = third !== undefined && CLOUD.test(third) ? rest.slice(2) : rest.slice(1);
  return afterRegion.length === 0 || isNetwork(afterRegion) ? withHost(name) : undefined;
}

/** Hosts of PrivateLink, and of connections that fail over. */
function isNetwork(rest: readonly string[]): boolean {
  return rest.length === 1 && /^(privatelink|global)$/i.test(rest[0] ?? '');
}

/** The account has underscores, its host hyphens: certificates and resolvers may not support underscores. */
function withHost(account: string): SnowflakeAccount {
  if (!account.includes('_')) return { account };
  return { account, accessUrl: `https://${hostLabel(account)}.snowflakecomputing.com` };
}

function hostLabel(name: string): string {
  return name.replaceAll('_', '-').toLowerCase();
}
