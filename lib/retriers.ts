import { Duration } from 'aws-cdk-lib';
import type { RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { INTERRUPTED_FAULTS, NOT_RUN_FAULTS } from './lambda-faults.ts';

/** How a state's retrier waits, in seconds: `interval`, doubled each time, at most `cap`. */
export interface Backoff {
  readonly intervalSeconds: number;
  readonly capSeconds: number;
}

/** ASL's default, written out: each wait is twice the last one. */
const BACKOFF_RATE = 2;

const HOUR_SECONDS = 3600;
const SOON: Backoff = { intervalSeconds: 1, capSeconds: 60 };
const PATIENT: Backoff = { intervalSeconds: 1, capSeconds: 900 };
const FOR_AN_OPERATOR: Backoff = { intervalSeconds: 5, capSeconds: 900 };

/** How long a delivery waits for a function that does not run: as long as it stays parked for its partner. */
export const NOT_RUN_BUDGET_HOURS = 72;

/** Faults of ours that an operator may fix while the delivery waits. Names as in `lambdas/shared/errors.ts`. */
export const PASSING_FAULTS = ['ConfigurationUnavailable', 'SecretUnavailable', 'EnvironmentInvalid'];

/** Of the enrichment: after an hour the delivery goes out without learning time. */
export const retryEnriching = [retrier([...NOT_RUN_FAULTS, ...INTERRUPTED_FAULTS], SOON, HOUR_SECONDS)];

/**
 * Of the delivery. Each retrier counts for itself, and from 0 again on each entry of the state. What was interrupted may have
 * been sent, so it is repeated for an hour only, and 12 times at most.
 */
export const retryDelivering = [
  retrier(NOT_RUN_FAULTS, PATIENT, NOT_RUN_BUDGET_HOURS * HOUR_SECONDS),
  retrier(INTERRUPTED_FAULTS, PATIENT, HOUR_SECONDS),
  retrier(PASSING_FAULTS, FOR_AN_OPERATOR, 4 * HOUR_SECONDS),
];

/** For sending a dead letter, the last thing that can be done for it. */
export const retrySending = [retrier(['States.ALL'], SOON, HOUR_SECONDS)];

/**
 * The most retries whose waits, in all, stay within a budget. ASL takes only a count, which does not show the time.
 *
 * @param budgetSeconds for the waits; the attempts themselves come on top
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

/** Without jitter: a wait that may be 0 would bound neither the time nor the execution's history (docs/decisions/0007). */
function retrier(errors: readonly string[], backoff: Backoff, budgetSeconds: number): RetryProps {
  return {
    errors: [...errors],
    interval: Duration.seconds(backoff.intervalSeconds),
    backoffRate: BACKOFF_RATE,
    maxDelay: Duration.seconds(backoff.capSeconds),
    maxAttempts: retriesWithin(backoff, budgetSeconds),
  };
}
