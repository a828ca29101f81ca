export interface CachedValueOptions<T> {
  read(): Promise<T>;
  /** How long a value is cached, in milliseconds from the start of its read; 0 or less: not at all. */
  keepMs(value: T): number;
  /** The wall clock in milliseconds: a monotonic clock may stand still while Lambda freezes the function. */
  now(): number;
  /** A read that takes longer was frozen with the function, and its socket is dead: the next caller starts a new read. */
  readonly readLimitMs?: number;
}

export interface CachedValue<T> {
  /** Concurrent callers share one read and its failure; a failure is not cached. @throws what `read` throws */
  get(): Promise<T>;
  /** The cached value, if it has not expired. */
  peek(): T | undefined;
  /** The next caller reads again. */
  drop(): void;
}

/** One value in the memory of an execution environment. It expires too if the clock is set back. */
export function createCachedValue<T>({
  read,
  keepMs,
  now,
  readLimitMs = Number.POSITIVE_INFINITY,
}: CachedValueOptions<T>): CachedValue<T> {
  let reading: { readonly value: Promise<T>; readonly startedMs: number } | undefined;
  let kept: { readonly value: T; readonly startedMs: number; readonly keptForMs: number } | undefined;

  function isWithin(limitMs: number, startedMs: number): boolean {
    const ageMs = now() - startedMs;
    return ageMs >= 0 && ageMs < limitMs;
  }

  async function start(startedMs: number): Promise<T> {
    const own = { value: read(), startedMs };
    reading = own;
    try {
      const value = await own.value;
      if (reading === own) kept = { value, startedMs, keptForMs: keepMs(value) };
      return value;
    } finally {
      if (reading === own) reading = undefined;
    }
  }

  function good() {
    return kept !== undefined && isWithin(kept.keptForMs, kept.startedMs) ? kept : undefined;
  }

  return {
    async get() {
      if (reading !== undefined && isWithin(readLimitMs, reading.startedMs)) return reading.value;
      const value = good();
      return value === undefined ? start(now()) : value.value;
    },
    peek: () => good()?.value,
    drop() {
      kept = undefined;
    },
  };
}

/** The integrations document has at most this number of entries. */
const MAX_KEYS = 2000;

/**
 * Creates one value per key, on first use.
 *
 * @param make is not called again if it returned a promise that rejects
 * @param maxKeys at this size the oldest value is dropped; it is created again on its next use
 */
export function onePerKey<V, More extends unknown[]>(
  make: (key: string, ...more: More) => V,
  maxKeys = MAX_KEYS,
): (key: string, ...more: More) => V {
  const values = new Map<string, V>();
  return (key, ...more) => {
    const known = values.get(key);
    if (known !== undefined) return known;
    const [oldest] = values.keys();
    if (values.size >= maxKeys && oldest !== undefined) values.delete(oldest);
    const made = make(key, ...more);
    values.set(key, made);
    return made;
  };
}
