/**
 * How a Task of the workflow fails when Lambda, and not the function's code, is at fault. docs/decisions/0007 has the table:
 * every error that Lambda's `Invoke` declares, what it means, and which list it is on.
 */

/**
 * The function did not run, so nothing was sent: throttled, inactive, without a network interface, not loadable, or refused by
 * Lambda's service. It passes by itself, or when an operator repairs the stage.
 */
export const NOT_RUN_FAULTS = [
  ...fromLambda([
    'TooManyRequestsException',
    'ServiceQuotaExceededException',
    'ServiceException',
    'AWSLambdaException',
    'LambdaException',
    'SdkClientException',
    'ResourceNotReadyException',
    'ResourceConflictException',
    'ResourceNotFoundException',
    'CodeArtifactUserPendingException',
    'CodeArtifactUserFailedException',
    'CodeArtifactUserDeletedException',
    'ENINotReadyException',
    'ENILimitReachedException',
    'SubnetIPAddressLimitReachedException',
    'EC2ThrottledException',
    'EC2UnexpectedException',
    'EC2AccessDeniedException',
    'InvalidSubnetIDException',
    'InvalidSecurityGroupIDException',
    'KMSAccessDeniedException',
    'KMSDisabledException',
    'KMSInvalidStateException',
    'KMSNotFoundException',
    'InvalidRuntimeException',
    'InvalidZipFileException',
  ]),
  'States.Permissions',
  // The function's code could not be loaded: a bundle that was deployed incomplete.
  'Runtime.ImportModuleError',
  'Runtime.HandlerNotFound',
  'Runtime.MalformedHandlerName',
  'Runtime.UserCodeSyntaxError',
];

/** The function ran and did not end, or its end was not reported: the partner may have the request. */
export const INTERRUPTED_FAULTS = [
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  // The process died: killed, or out of memory. Documented as Lambda.Unknown, but Lambda does give it these types.
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  // The runtime ends the process for a rejection that need not belong to the invocation in hand.
  'Runtime.UnhandledPromiseRejection',
  'Sandbox.Timedout',
  'States.Timeout',
];

/** Errors of `Invoke` that no wait changes, since the input causes them: the execution fails, and the rescue dead-letters it. */
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

/**
 * As the workflow names Lambda's errors: `Lambda.` and the name. In both spellings of the AWS SDK for Java, whose names Step
 * Functions reports: version 1 has `EC2ThrottledException`, version 2 `Ec2ThrottledException`.
 */
function fromLambda(names: readonly string[]): string[] {
  return names.flatMap((name) => [...new Set([name, capitalized(name)])].map((spelling) => `Lambda.${spelling}`));
}

function capitalized(name: string): string {
  const acronym = /EC2|EFSIO|EFS|ENI|KMS|IP(?=Address)|ID(?=Exception)/g;
  return name.replace(acronym, ([first = '', ...rest]) => first + rest.join('').toLowerCase());
}
