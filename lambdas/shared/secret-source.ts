/** A secret with the creation time of its version. */
export interface DatedSecret<T> {
  readonly value: T;
  /** Epoch milliseconds; undefined if Secrets Manager returns none. */
  readonly createdAtMs: number | undefined;
}

/** One secret, parsed, and cached in the function's memory; see `secrets-manager.ts`. */
export interface SecretSource<T> {
  /** The secret, at most 15 minutes old. @throws SecretUnavailable, SecretUnusable */
  read(): Promise<T>;
  /** Bypasses the cache, for one more attempt after the secret was refused. @throws SecretUnavailable, SecretUnusable */
  refetch(): Promise<T>;
}
