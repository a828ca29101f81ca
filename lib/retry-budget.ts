/** How a state's retrier waits, in seconds: `interval`, doubled each time, at most `cap`. */
export interface Backoff {
  readonly intervalSeconds: number;
  readonly capSeconds: number;
}

/** ASL's default, written out: each wait is twice the last one. */
export const BACKOFF_RATE = 2;

/**
 * The most retries whose waits, in all, stay within a budget. ASL knows only a count, and nobody sees an hour in 64.
 *
 * @param budgetSeconds for the waits; the tries themselves come on top
 */
export function retriesWithin({ intervalSeconds, capSeconds }: Backoff, budgetSeconds: number): number {
  let retries = 0;
  let waitSeconds = intervalSeconds;
  for (let spent = waitSeconds; spent <= budgetSeconds; spent += waitSeconds) {
    retries += 1;
    waitSeconds = Math.min(waitSeconds * BACKOFF_RATE, capSeconds);
  }
  return retries;
}
