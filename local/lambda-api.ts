import { AwsError } from './control-plane/aws-error.ts';
import { type Answer, headersOf, type RestApi } from './control-plane/rest.ts';
import { type FunctionPool, MAX_PAYLOAD_BYTES } from './function-pool.ts';
import type { Functions } from './functions.ts';

const EXECUTED_VERSION = { 'X-Amz-Executed-Version': '$LATEST' };

/**
 * Lambda's synchronous `Invoke`: `POST /2015-03-31/functions/<name or ARN>/invocations`. A function that fails is answered 200 with
 * the header `X-Amz-Function-Error`.
 */
export function lambdaApi(functions: Functions): RestApi {
  return async ({ method, segments, headers, body }) => {
    const [version, kind, key = '', action, ...rest] = segments;
    const path = [method, version, kind, action, ...rest].join(' ');
    if (path !== 'POST 2015-03-31 functions invocations') return undefined;
    if (headers['x-amz-invocation-type'] === 'Event') return undefined;
    return invoke(findFunction(functions, key), readEvent(body));
  };
}

async function invoke(pool: FunctionPool, event: unknown): Promise<Answer> {
  const result = await pool.invoke(event);
  if (result.status === 'throttled') {
    const isReserved = pool.configuration.reservedConcurrency !== undefined;
    throw new AwsError('TooManyRequestsException', 429, 'Rate Exceeded.', {
      Reason: `${isReserved ? 'ReservedFunctionConcurrent' : 'Concurrent'}InvocationLimitExceeded`,
    });
  }
  if (result.status === 'refused') throw new AwsError(result.errorName, 502, 'Lambda did not run the function.');
  const isFailed = result.status === 'failed';
  const headers = headersOf({
    ...EXECUTED_VERSION,
    'Content-Type': 'application/json',
    'X-Amz-Function-Error': isFailed ? 'Unhandled' : undefined,
  });
  return { status: 200, headers, body: JSON.stringify(isFailed ? result.error : result.payload) };
}

/**
 * By its own name or its ARN, as Lambda finds it; not by its logical id or its handler's name.
 *
 * @throws AwsError where there is none
 */
export function findFunction(functions: Functions, key: string): FunctionPool {
  const found = functions.all().find(({ configuration: { name, arn } }) => [name, arn].includes(key));
  if (found !== undefined) return found;
  throw new AwsError('ResourceNotFoundException', 404, `Function not found: ${key}`);
}

/** @throws AwsError where it is larger than Lambda takes, or is not JSON */
function readEvent(body: Buffer): unknown {
  if (body.length > MAX_PAYLOAD_BYTES) {
    throw new AwsError('RequestTooLargeException', 413, `Request must be smaller than ${MAX_PAYLOAD_BYTES} bytes`);
  }
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    throw new AwsError('InvalidRequestContentException', 400, 'Could not parse request body into json');
  }
}
