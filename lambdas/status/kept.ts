/**
 * A reading that is answered again for some time, and shared by those who ask meanwhile.
 *
 * @param keepMs for how long a value is good, in milliseconds
 * @param now wall clock, ms: a function may be frozen for hours
 */
export function kept<T>(read: () => Promise<T>, keepMs: (value: T) => number, now: () => number): () => Promise<T> {
  let current: Promise<T> | undefined;
  let goodUntil = Number.NEGATIVE_INFINITY;
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = now();
    if (current !== undefined && nowMs >= readAt && nowMs < goodUntil) return current;
    readAt = nowMs;
    // While it is under way, it is the one that everybody waits for.
    goodUntil = Number.POSITIVE_INFINITY;
    const reading = read();
    current = reading;
    reading.then(
      (value) => {
        if (current === reading) goodUntil = nowMs + keepMs(value);
      },
      () => {
        if (current === reading) goodUntil = Number.NEGATIVE_INFINITY;
      },
    );
    return reading;
  };
}
