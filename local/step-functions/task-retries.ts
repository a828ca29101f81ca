import type { State } from './definition.ts';

/** As ASL has them; the defaults are ASL's. */
interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
}

/** The fields by which an engine distinguishes errors. */
interface Failure {
  readonly name: string;
  readonly isRetryable?: boolean;
}

/** The waits of one state's retriers in one execution. The engine leaves them out (`retryIntervalOverrides`). */
export class TaskRetries {
  readonly #retriers: readonly Retrier[];
  #attempts: number[] = [];

  constructor(state: State) {
    this.#retriers = (state.Retry ?? []) as readonly Retrier[];
  }

  /** Restores all retries: each entry into the state begins with them. */
  reset(): void {
    this.#attempts = [];
  }

  /**
   * How long Step Functions waits before it runs the task again, in milliseconds: `IntervalSeconds * BackoffRate ** (n - 1)`,
   * at most `MaxDelaySeconds`, for the nth retry of the first retrier that names the error.
   *
   * @returns undefined where it does not retry
   */
  delayMsAfter({ name, isRetryable = true }: Failure): number | undefined {
    if (!isRetryable) return undefined;
    const names = [name, 'States.ALL', ...(name === 'States.Timeout' ? [] : ['States.TaskFailed'])];
    const index = this.#retriers.findIndex(({ ErrorEquals }) => ErrorEquals.some((error) => names.includes(error)));
    const retrier = this.#retriers[index];
    if (retrier === undefined) return undefined;
    const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds = Infinity } = retrier;
    const attempts = this.#attempts[index] ?? 0;
    if (attempts >= MaxAttempts) return undefined;
    this.#attempts[index] = attempts + 1;
    return Math.min(IntervalSeconds * BackoffRate ** attempts, MaxDelaySeconds) * 1000;
  }
}
