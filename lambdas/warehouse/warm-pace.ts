/** Bytes of key and value that ElastiCache Serverless counts as one ECPU. */
const BYTES_PER_ECPU = 1_024;
/** The other half is for the functions that read the cache and for the limiter. */
const SHARE_OF_MAXIMUM = 0.5;

/** The ECPUs of a command that stores so many bytes: 1 for each started KB. */
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
    this.#ecpusPerMs = (maxEcpuPerSecond * SHARE_OF_MAXIMUM) / 1000;
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
