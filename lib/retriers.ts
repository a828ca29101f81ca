import { Duration } from 'aws-cdk-lib';
import type { RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { INTERRUPTED_FAULTS, NOT_RUN_FAULTS } from './lambda-faults.ts';

/** Waits of a state's retrier, in seconds: `interval`, doubled each time, at most `cap`. */
interface Backoff {
  readonly intervalSeconds: number;
  readonly capSeconds: number;
}

/** ASL's default. */
const BACKOFF_RATE = 2;

const HOUR_SECONDS = 3600;
const SOON: Backoff = { intervalSeconds: 1, capSeconds: 60 };
const PATIENT: Backoff = { intervalSeconds: 1, capSeconds: 900 };
const FOR_AN_OPERATOR: Backoff = { intervalSeconds: 5, capSeconds: 900 };

/** How long a delivery waits for a function that does not run; the same time as parked deliveries wait for a partner. */
const NOT_RUN_BUDGET_HOURS = 72;

/** Our faults that an operator can fix while the delivery waits. Names as in `lambdas/shared/errors.ts`. */
export const PASSING_FAULTS = ['ConfigurationUnavailable', 'SecretUnavailable', 'EnvironmentInvalid'];

/** For the enrichment: after an hour the event is delivered without learning time. */
export const retryEnriching = [retrier([...NOT_RUN_FAULTS, ...INTERRUPTED_FAULTS], SOON, HOUR_SECONDS)];

/**
 * For the delivery. Each retrier has its own count, which starts at 0 on each entry of the state. An interrupted attempt may
 * have been sent, so it is repeated for an hour only, at most 12 times.
 */
export const retryDelivering = [
  retrier(NOT_RUN_FAULTS, PATIENT, NOT_RUN_BUDGET_HOURS * HOUR_SECONDS),
  retrier(INTERRUPTED_FAULTS, PATIENT, HOUR_SECONDS),
  retrier(PASSING_FAULTS, FOR_AN_OPERATOR, 4 * HOUR_SECONDS),
];

/** For sending a dead-letter message. */
export const retrySending = [retrier(['States.ALL'], SOON, HOUR_SECONDS)];

/**
 * The maximum number of retries whose waits fit into a budget. ASL only accepts a count.
 *
 * @param budgetSeconds for the waits, without the attempts themselves
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

/** Without jitter, which may reduce a wait to 0 and so limits neither the time nor the history (docs/decisions/0007). */
function retrier(errors: readonly string[], backoff: Backoff, budgetSeconds: number): RetryProps {
  return {
    errors: [...errors],
    interval: Duration.seconds(backoff.intervalSeconds),
    backoffRate: BACKOFF_RATE,
    maxDelay: Duration.seconds(backoff.capSeconds),
    maxAttempts: retriesWithin(backoff, budgetSeconds),
  };
}
