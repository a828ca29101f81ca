/** The share of the cache's storage for warmed entries. The rest is for other entries, and for rows that disappeared. */
const SHARE_OF_STORAGE = 0.6;
/**
 * Bytes of memory for an entry with the longest course id of the LMS (255 characters), measured with 140,000 entries: 465 in
 * Valkey 8.1, and 573 in Redis 7.0, whose dictionary Valkey 8.0 still has, at the growth of its table. With a course id of 40
 * characters they are 241 and 301.
 */
const BYTES_PER_ENTRY = 600;
const BYTES_PER_GIGABYTE = 1_000_000_000;

/**
 * The largest number of rows for which a warm run may use the cache: 1,000,000 for a gigabyte.
 *
 * @param maxStorageGigabytes the cache's limit, from 1
 */
export function maxWarmRows(maxStorageGigabytes: number): number {
  return Math.floor((SHARE_OF_STORAGE * maxStorageGigabytes * BYTES_PER_GIGABYTE) / BYTES_PER_ENTRY);
}

/** Bytes of key and value that ElastiCache Serverless counts as one ECPU. */
const BYTES_PER_ECPU = 1_024;
/** The other half is for the functions that read the cache and for the limiter. */
const SHARE_OF_ECPUS = 0.5;

/** The ECPUs of a command by the bytes that it stores: 1 for each started KB. */
export function ecpusOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BYTES_PER_ECPU));
}

/**
 * Spreads commands over time, so that a warm run takes half of the ECPUs that the cache may use in a second. Time that was
 * not used is lost: after a pause there is no burst.
 */
export class WarmPace {
  readonly #ecpusPerMs: number;
  readonly #nowMs: () => number;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param maxEcpuPerSecond the cache's limit, from 1
   * @param nowMs a monotonic clock, in milliseconds
   */
  constructor(maxEcpuPerSecond: number, nowMs: () => number) {
    this.#ecpusPerMs = (maxEcpuPerSecond * SHARE_OF_ECPUS) / 1000;
    this.#nowMs = nowMs;
  }

  /** Reserves the next free time for commands that are sent together. @returns how long to wait for it, in milliseconds */
  reserve(ecpus: number): number {
    const nowMs = this.#nowMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + ecpus / this.#ecpusPerMs;
    return startMs - nowMs;
  }
}
