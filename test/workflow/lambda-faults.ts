import { fromLambda } from '../../lib/lambda-faults.ts';

/** Errors of `Invoke` that the input causes, so a retry cannot help: the execution fails, and the rescue dead-letters it. */
export const INPUT_FAULTS = fromLambda([
  'InvalidParameterValueException',
  'InvalidRequestContentException',
  'RequestTooLargeException',
  'SerializedRequestEntityTooLargeException',
  'UnsupportedMediaTypeException',
]);

/**
 * Errors of `Invoke` for features that the workflow's functions do not use: file systems, SnapStart, durable executions,
 * published versions; and recursion, which Lambda detects through SQS, SNS and S3 but not through Step Functions.
 */
export const FOREIGN_FAULTS = fromLambda([
  'DurableExecutionAlreadyStartedException',
  'EFSIOException',
  'EFSMountConnectivityException',
  'EFSMountFailureException',
  'EFSMountTimeoutException',
  'ModeNotSupportedException',
  'NoPublishedVersionException',
  'RecursiveInvocationException',
  'S3FilesMountConnectivityException',
  'S3FilesMountFailureException',
  'S3FilesMountTimeoutException',
  'SnapStartException',
  'SnapStartNotReadyException',
  'SnapStartRegenerationFailureException',
  'SnapStartTimeoutException',
]);
