/**
 * Errors of a workflow's Task that Lambda causes, not the function's code. docs/decisions/0007 has a table of all errors that
 * Lambda's `Invoke` declares, with their meaning and list.
 */

/**
 * The function did not run, so nothing was sent: it is throttled, inactive, has no network interface, cannot be loaded, or
 * Lambda refused the call. The fault is transient, or an operator has to repair the stage.
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
  // The function's code could not be loaded, for example from an incomplete bundle.
  'Runtime.ImportModuleError',
  'Runtime.HandlerNotFound',
  'Runtime.MalformedHandlerName',
  'Runtime.UserCodeSyntaxError',
];

/** The function was interrupted, or its result was lost: the partner may have received the request. */
export const INTERRUPTED_FAULTS = [
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  // The process was killed or ran out of memory. Documented as Lambda.Unknown, but Lambda reports these types.
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  // The runtime ends the process for any unhandled rejection, also one of an earlier invocation.
  'Runtime.UnhandledPromiseRejection',
  'Sandbox.Timedout',
  'States.Timeout',
];

/**
 * The names of Lambda's errors in a workflow: `Lambda.` and the name in the AWS SDK for Java. Both spellings are listed, since
 * version 1 has `EC2ThrottledException` and version 2 `Ec2ThrottledException`.
 */
export function fromLambda(names: readonly string[]): string[] {
  return names.flatMap((name) => [...new Set([name, capitalized(name)])].map((spelling) => `Lambda.${spelling}`));
}

function capitalized(name: string): string {
  const acronym = /EC2|EFSIO|EFS|ENI|KMS|IP(?=Address)|ID(?=Exception)/g;
  return name.replace(acronym, ([first = '', ...rest]) => first + rest.join('').toLowerCase());
}
