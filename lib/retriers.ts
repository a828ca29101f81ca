import { Duration } from 'aws-cdk-lib';
import type { RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { BACKOFF_RATE, type Backoff, retriesWithin } from './retry-budget.ts';

const HOUR_SECONDS = 3600;
const SOON: Backoff = { intervalSeconds: 1, capSeconds: 60 };
const PATIENT: Backoff = { intervalSeconds: 5, capSeconds: 900 };

/** Lambda's own faults: the function did not run, or did not end. They spend neither the warehouse's nor a partner's tries. */
export const LAMBDA_FAULTS = [
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  // The process died: killed, or out of memory. Documented as Lambda.Unknown, but Lambda does give it this type.
  'Runtime.ExitError',
  'Sandbox.Timedout',
  'States.Timeout',
];

/** Faults of ours that an operator may mend while the delivery waits. Names as in `contract/errors.ts`. */
export const PASSING_FAULTS = ['ConfigurationUnavailable', 'SecretUnavailable', 'EnvironmentInvalid'];

export const retryLambdaFaults = retrier(LAMBDA_FAULTS, SOON, HOUR_SECONDS);
export const retryPassingFaults = retrier(PASSING_FAULTS, PATIENT, 4 * HOUR_SECONDS);
/** For sending a dead letter, the last thing that can be done for it. */
export const retrySending = retrier(['States.ALL'], SOON, HOUR_SECONDS);

function retrier(errors: readonly string[], backoff: Backoff, budgetSeconds: number): RetryProps {
  return {
    errors: [...errors],
    interval: Duration.seconds(backoff.intervalSeconds),
    backoffRate: BACKOFF_RATE,
    maxDelay: Duration.seconds(backoff.capSeconds),
    maxAttempts: retriesWithin(backoff, budgetSeconds),
  };
}
