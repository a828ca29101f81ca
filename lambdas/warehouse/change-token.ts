import * as z from 'zod';

/**
 * The token of a table's last change: what `SYSTEM$LAST_CHANGE_COMMIT_TIME` returns, a whole number of nanoseconds since
 * 1970 as digits. A later change has a greater number.
 */
export type ChangeToken = string;

/** Nanoseconds since 1970 in 64 bits with a sign, as Snowflake returns them: at most 19 digits, none of them leading. */
export const MAX_TOKEN_DIGITS = 19;

export const changeTokenSchema = z.string().regex(/^[1-9]\d{0,18}$/, 'must be a whole number of 1 to 19 digits');

/**
 * Whether a token is of an earlier change than another one. No token is older than every token, because nothing is known
 * about its answer. Compares texts: a number would lose the last digits.
 */
export function isOlder(token: ChangeToken | undefined, other: ChangeToken | undefined): boolean {
  if (token === other || other === undefined) return false;
  if (token === undefined) return true;
  return token.length === other.length ? token < other : token.length < other.length;
}
