export interface CachedValueOptions<T> {
  read(): Promise<T>;
  /** How long a value is served again, in milliseconds from when its read began; 0 or less: it is not. */
  keepMs(value: T): number;
  /** Wall clock, ms: a monotonic one may stand still while Lambda keeps the function frozen. */
  now(): number;
  /** A read that takes longer was frozen with the function, and its socket is dead: the next caller starts another. */
  readonly readLimitMs?: number;
}

export interface CachedValue<T> {
  /** Callers share a read under way, and its failure; a failure is not kept. @throws what `read` throws */
  get(): Promise<T>;
  /** The value, if one is kept and still good. */
  peek(): T | undefined;
  /** The next caller reads again. */
  drop(): void;
}

/** One value in the memory of an execution environment. A clock that is set back makes it stale, not immortal. */
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

/** As many as the integrations document has entries. */
const MAX_KEYS = 2000;

/**
 * One value for each key, made when it is first asked for.
 *
 * @param make is not asked again where it made a promise that was rejected
 * @param maxKeys beyond which the oldest one is dropped, and made again when it is needed
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
