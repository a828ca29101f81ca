import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { MINUTE_MS } from './durations.ts';
import { errorName, SecretUnavailable, SecretUnusable } from './errors.ts';
import { IO_DEADLINES } from './io-deadlines.ts';
import type { Log } from './log.ts';
import type { DatedSecret, SecretSource } from './secret-source.ts';
import { parseSecretText, secretFaultOf, secretTextOf } from './secret-text.ts';

/** The maximum age of a cached secret. */
const CACHE_MS = 15 * MINUTE_MS;

/** Refetches within this time share one result: many events fail together when a secret was rotated. */
const REFETCH_PAUSE_MS = 5000;

/** After a failed fetch, an expired secret is served for this time before the next fetch. */
const RETRY_PAUSE_MS = 30_000;

export interface SecretSourceOptions<T> {
  readonly client: SecretsManagerClient;
  /** Name or ARN. */
  readonly secretId: string;
  /** Its messages continue "the secret", and appear in errors and logs: they must not repeat values. */
  readonly parse: z.ZodType<T>;
  readonly log: Log;
  /** The wall clock in milliseconds: a monotonic clock may stand still while Lambda freezes the function. */
  readonly now?: () => number;
  readonly timeoutMs?: number;
}

/**
 * Reads one secret (a JSON object, `secret-text.ts`) and caches it in this process.
 *
 * - While Secrets Manager is down or holds an unusable secret, `read()` serves an expired one. It logs one warning per
 *   outage and fetches again every 30 s.
 * - `refetch()` never serves a cached secret that was refused: another attempt with it counts towards the other side's
 *   lock-out. Refetches, and fetches after a failure, are at least 5 s apart; calls in between share the last result.
 *   An earlier successful `read()` is not shared: the secret may have been rotated since.
 */
export function createSecretSource<T>(options: SecretSourceOptions<T>): SecretSource<T> {
  return new CachedSecret(options);
}

class CachedSecret<T> implements SecretSource<T> {
  readonly #options: SecretSourceOptions<T>;
  readonly #now: () => number;
  #cached: { readonly value: T; readonly at: number } | undefined;
  /** The error of the last fetch; cleared when one succeeds. */
  #failure: { readonly thrown: unknown; readonly at: number } | undefined;
  #current: Promise<T> | undefined;
  /** Start of the last successful refetch. */
  #refetchedAt: number | undefined;

  constructor(options: SecretSourceOptions<T>) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async read(): Promise<T> {
    const cached = this.#cached;
    if (cached === undefined) return this.#fetch();
    if (this.#isWithin(CACHE_MS, cached.at)) return cached.value;
    if (this.#failure !== undefined && this.#isWithin(RETRY_PAUSE_MS, this.#failure.at)) return cached.value;
    return this.#fetch().catch(() => cached.value);
  }

  async refetch(): Promise<T> {
    if (this.#current !== undefined) return this.#current;
    if (this.#failure !== undefined && this.#isWithin(REFETCH_PAUSE_MS, this.#failure.at)) throw this.#failure.thrown;
    if (this.#cached !== undefined && this.#refetchedAt !== undefined) {
      if (this.#isWithin(REFETCH_PAUSE_MS, this.#refetchedAt)) return this.#cached.value;
    }
    const at = this.#now();
    const value = await this.#fetch();
    this.#refetchedAt = at;
    return value;
  }

  #isWithin(durationMs: number, since: number): boolean {
    const ageMs = this.#now() - since;
    return ageMs >= 0 && ageMs < durationMs;
  }

  #fetch(): Promise<T> {
    this.#current ??= this.#fetchOnce().finally(() => {
      this.#current = undefined;
    });
    return this.#current;
  }

  async #fetchOnce(): Promise<T> {
    const { client, secretId, parse, log, timeoutMs = IO_DEADLINES.secret.timeoutMs } = this.#options;
    // The age counts from the request: a response that was frozen on its way is that old.
    const at = this.#now();
    try {
      const { text } = await fetchVersion(client, secretId, timeoutMs);
      const value = parseSecret(secretId, text, parse);
      if (this.#failure !== undefined && this.#cached !== undefined) log.info('secret.back', { secretId });
      this.#cached = { value, at };
      this.#failure = undefined;
      return value;
    } catch (thrown) {
      // Without a cached secret the caller gets the error and logs it.
      if (this.#failure === undefined && this.#cached !== undefined) {
        log.warn('secret.unavailable', { secretId, error: errorName(thrown), reason: (thrown as Error).message });
      }
      this.#failure = { thrown, at: this.#now() };
      throw thrown;
    }
  }
}

/** A source that reads the secret for every call: for a function that operators invoke right after they changed it. */
export function createUncachedSecretSource<T>(options: Omit<SecretSourceOptions<T>, 'log' | 'now'>): SecretSource<T> {
  const read = async () => (await readDatedSecret(options)).value;
  return { read, refetch: read };
}

/** Reads a secret once, without a cache, with its creation time. @throws SecretUnavailable, SecretUnusable */
export async function readDatedSecret<T>({
  client,
  secretId,
  parse,
  timeoutMs = IO_DEADLINES.secret.timeoutMs,
}: Omit<SecretSourceOptions<T>, 'log' | 'now'>): Promise<DatedSecret<T>> {
  const { text, createdAtMs } = await fetchVersion(client, secretId, timeoutMs);
  return { value: parseSecret(secretId, text, parse), createdAtMs };
}

interface FetchedVersion {
  readonly text: string;
  readonly createdAtMs: number | undefined;
}

/**
 * @throws SecretUnavailable if Secrets Manager refuses or does not respond in time
 * @throws SecretUnusable if the secret does not exist, or has no value or no text
 */
async function fetchVersion(
  client: SecretsManagerClient,
  secretId: string,
  timeoutMs: number,
): Promise<FetchedVersion> {
  const abortSignal = AbortSignal.timeout(timeoutMs);
  const response = await client
    .send(new GetSecretValueCommand({ SecretId: secretId }), { abortSignal })
    .catch((cause) => {
      const reason = abortSignal.aborted ? `no response within ${timeoutMs} ms` : errorName(cause);
      throw reason === 'ResourceNotFoundException'
        ? new SecretUnusable(`secret ${secretId} does not exist, or has no value yet`, { cause })
        : new SecretUnavailable(`secret ${secretId} cannot be read: ${reason}`, { cause });
    });
  const text = secretTextOf(response);
  if (text === undefined) throw new SecretUnusable(`secret ${secretId} has no text in UTF-8`);
  return { text, createdAtMs: response.CreatedDate?.getTime() };
}

/** @throws SecretUnusable naming the keys at fault, without a cause that could quote the secret */
function parseSecret<T>(secretId: string, text: string, schema: z.ZodType<T>): T {
  const parsed = parseSecretText(text);
  if ('fault' in parsed) throw new SecretUnusable(`secret ${secretId} ${parsed.fault}`);
  const result = schema.safeParse(parsed.fields);
  if (result.success) return result.data;
  throw new SecretUnusable(`secret ${secretId} ${secretFaultOf(result.error)}`);
}
