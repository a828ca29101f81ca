import { AwsError } from '../control-plane/aws-error.ts';
import { headersOf, jsonResponse, type RestApi, type RestResponse } from '../control-plane/rest.ts';
import type { Resolver } from '../resolver.ts';
import { type AccountConcurrency, type FunctionPool, MAX_PAYLOAD_BYTES } from './function-pool.ts';
import type { Functions } from './functions.ts';

const EXECUTED_VERSION = { 'X-Amz-Executed-Version': '$LATEST' };

/**
 * Lambda's synchronous `Invoke`: `POST /2015-03-31/functions/<name or ARN>/invocations`. If the function fails, the
 * response is 200 with the header `X-Amz-Function-Error`.
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

async function invoke(pool: FunctionPool, event: unknown): Promise<RestResponse> {
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
 * Finds a function by name or ARN, like Lambda; not by its logical id or handler.
 *
 * @throws AwsError if there is none
 */
function findFunction(functions: Functions, key: string): FunctionPool {
  const found = functions.all().find(({ configuration: { name, arn } }) => [name, arn].includes(key));
  if (found !== undefined) return found;
  throw new AwsError('ResourceNotFoundException', 404, `Function not found: ${key}`);
}

/** @throws AwsError if it is larger than Lambda's limit, or not JSON */
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

export interface LambdaSettings {
  readonly resolver: Resolver;
  readonly functions: Functions;
  /** Concurrency shared by functions without a reserved one. */
  readonly account: Pick<AccountConcurrency, 'limit'>;
}

/**
 * Settings of Lambda that operators read: `GetAccountSettings`, `ListEventSourceMappings`,
 * `GetFunctionConcurrency` and `GetFunctionConfiguration`.
 */
export function lambdaSettingsApi(settings: LambdaSettings): RestApi {
  return async ({ method, segments, query }) => {
    const [version, kind, key = '', ...action] = segments;
    switch ([method, version, kind, ...action].join(' ')) {
      case 'GET 2016-08-19 account-settings':
        return accountSettings(settings);
      case 'GET 2015-03-31 event-source-mappings':
        return mappings(settings, query.get('EventSourceArn'));
      case 'GET 2019-09-30 functions concurrency':
        return functionConcurrency(settings, key);
      case 'GET 2015-03-31 functions configuration':
        return functionConfiguration(settings, key);
      default:
        return undefined;
    }
  };
}

/** The account's limit is the sum of reserved and shared concurrency. */
function accountSettings({ functions, account }: LambdaSettings): RestResponse {
  const reserved = functions.all().map(({ configuration }) => configuration.reservedConcurrency ?? 0);
  const inAll = reserved.reduce((sum, one) => sum + one, account.limit);
  return jsonResponse(200, {
    AccountLimit: { ConcurrentExecutions: inAll, UnreservedConcurrentExecutions: account.limit },
    AccountUsage: { FunctionCount: functions.all().length },
  });
}

function mappings({ resolver, functions }: LambdaSettings, sourceArn: string | null): RestResponse {
  const all = resolver.logicalIds('AWS::Lambda::EventSourceMapping').map((logicalId) => {
    const { EventSourceArn, FunctionName, Enabled, BatchSize, ScalingConfig } = resolver.properties(logicalId);
    return {
      UUID: logicalId,
      EventSourceArn,
      FunctionArn: functions.find(String(FunctionName)).configuration.arn,
      State: Enabled === false ? 'Disabled' : 'Enabled',
      ...{ BatchSize, ScalingConfig },
    };
  });
  const asked = all.filter(({ EventSourceArn }) => sourceArn === null || EventSourceArn === sourceArn);
  return jsonResponse(200, { EventSourceMappings: asked });
}

function functionConcurrency({ functions }: LambdaSettings, key: string): RestResponse {
  const { reservedConcurrency } = findFunction(functions, key).configuration;
  return jsonResponse(200, { ReservedConcurrentExecutions: reservedConcurrency });
}

function functionConfiguration({ functions }: LambdaSettings, key: string): RestResponse {
  const { name, arn, handler, timeoutSeconds, memoryMb, environment } = findFunction(functions, key).configuration;
  return jsonResponse(200, {
    FunctionName: name,
    FunctionArn: arn,
    Handler: handler,
    Timeout: timeoutSeconds,
    MemorySize: memoryMb,
    Environment: { Variables: environment },
  });
}
