import { truncate } from '../../lambdas/shared/text.ts';
import { oneLine } from './format.ts';

/** Names by which AWS services, and the SDK, say the same thing. */
const EXPIRED = /^(ExpiredToken|ExpiredTokenException|RequestExpired|TokenRefreshRequired|UnauthorizedSSOTokenError)$/;
const UNKNOWN_CREDENTIALS =
  /^(UnrecognizedClientException|InvalidClientTokenId|InvalidAccessKeyId|AuthFailure|IncompleteSignature|InvalidSignatureException|SignatureDoesNotMatch|MissingAuthenticationToken|MissingAuthenticationTokenException)$/;
const DENIED =
  /^(AccessDenied|AccessDeniedException|AuthorizationError|AuthorizationErrorException|UnauthorizedOperation|NotAuthorized)$/;
const THROTTLED = /^(Throttling|ThrottlingException|ThrottledException|TooManyRequestsException|RequestLimitExceeded)$/;
const NETWORK =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|TimeoutError|(DEPTH_ZERO_)?SELF_SIGNED_CERT.*|UNABLE_TO_.*|CERT_.*)$/;

/** What was asked, for the words below. @param stageName undefined where none was reached yet */
export function whereOf(stageName: string | undefined): string {
  if (stageName === undefined) return 'AWS';
  return stageName === 'local' ? 'the platform of this machine' : `AWS, for stage ${stageName},`;
}

/**
 * One line for what an AWS client threw; undefined where it was not AWS, nor the way to it.
 *
 * @param where what was asked: `whereOf` a stage
 */
export function awsFailure(thrown: unknown, where: string): string | undefined {
  const { name = '', message = '', code = '', $fault } = (thrown ?? {}) as Record<string, string | undefined>;
  if (message.includes('Region is missing'))
    return 'no AWS region is chosen: set AWS_REGION, or AWS_PROFILE with a region';
  if (EXPIRED.test(name) || (name === 'CredentialsProviderError' && /expired/i.test(message))) {
    return 'the AWS credentials have expired: sign in again';
  }
  if (name === 'CredentialsProviderError') {
    return 'no AWS credentials were found: sign in, or set AWS_PROFILE to one that has them';
  }
  if (UNKNOWN_CREDENTIALS.test(name)) return `AWS does not accept the credentials at hand (${name}): sign in again`;
  if (DENIED.test(name)) return `AWS denies the call: ${truncate(oneLine(message), 1000)}`;
  if (THROTTLED.test(name)) return 'AWS takes no more requests for now: try again in a minute';
  const network = [code, name].find((word) => NETWORK.test(word));
  if (network !== undefined) return `${where} cannot be reached (${network}): is the network up?`;
  return $fault === undefined ? undefined : `AWS refuses (${name}): ${truncate(oneLine(message), 1000)}`;
}

/** An expected failure, printed in a few lines without a stack trace. The command exits with 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
