/** A secret with the age of its version. */
export interface DatedSecret<T> {
  readonly value: T;
  /** Milliseconds since 1970; undefined where Secrets Manager does not say. */
  readonly createdAtMs: number | undefined;
}
/** One secret, parsed. Kept in the function's memory; see `secrets-manager.ts`. */
export interface SecretSource<T> {
  /** The secret, at most 15 minutes old. @throws SecretUnavailable, SecretUnusable */
  read(): Promise<T>;
  /** The secret as it is now, past the cache: for one more try after it was refused. @throws SecretUnavailable, SecretUnusable */
  refetch(): Promise<T>;
}
