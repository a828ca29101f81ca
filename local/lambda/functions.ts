import { join } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import { arnOf, REGION, type Resolver } from '../resolver.ts';
import { type AccountConcurrency, type FunctionConfiguration, FunctionPool } from './function-pool.ts';
import type { InvocationResult, LogLine } from './function-process.ts';

interface FunctionProperties {
  readonly Handler: string;
  readonly Code: { readonly S3Key?: string };
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly ReservedConcurrentExecutions?: number;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, unknown>> };
}

/** Lambda's limit for function names, in characters. */
const MAX_NAME_CHARACTERS = 64;

function nameOf(resolver: Resolver, logicalId: string): string {
  return resolver.nameOf(logicalId, 'FunctionName').slice(0, MAX_NAME_CHARACTERS);
}

export function registerFunctions(resolver: Resolver): void {
  for (const logicalId of resolver.logicalIds('AWS::Lambda::Function')) {
    const name = nameOf(resolver, logicalId);
    resolver.register(logicalId, { ref: name, attributes: { Arn: functionArn(name) } });
  }
}

/** The variables that Lambda sets. Local services do not check credentials; the access key identifies the calling function. */
function lambdaVariables(name: string, properties: FunctionProperties, directory: string): Record<string, string> {
  return {
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: name,
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: 'local',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(properties.MemorySize ?? 128),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local/[$LATEST]',
    LAMBDA_TASK_ROOT: directory,
    _HANDLER: properties.Handler,
  };
}

function configurationOf(
  resolver: Resolver,
  logicalId: string,
  endpoints: Readonly<Record<string, string>>,
): FunctionConfiguration {
  const properties = resolver.properties(logicalId) as unknown as FunctionProperties;
  const key = properties.Code.S3Key ?? '';
  const directory = resolver.template.assetDirectories.get(key);
  if (directory === undefined) throw new Error(`${logicalId}: the assembly has no asset for its code ${key}`);
  const name = nameOf(resolver, logicalId);
  const variables = Object.entries(properties.Environment?.Variables ?? {}).map(([key, value]) => [key, String(value)]);
  const environment = {
    ...lambdaVariables(name, properties, directory),
    ...Object.fromEntries(variables),
    ...endpoints,
  };
  return {
    logicalId,
    name,
    arn: functionArn(name),
    handler: properties.Handler,
    directory,
    timeoutSeconds: properties.Timeout ?? 3,
    memoryMb: properties.MemorySize ?? 128,
    reservedConcurrency: properties.ReservedConcurrentExecutions,
    ioDeadlineFactor: Number(environment.IO_DEADLINE_FACTOR ?? 1),
    environment,
  };
}

export interface FunctionsOptions {
  readonly resolver: Resolver;
  /** `AWS_ENDPOINT_URL_<SERVICE>` by name: the local services, for the SDK in a function. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly account: AccountConcurrency;
  readonly clock: Clock;
  /** Each function's output is appended to `<handler>.log` there. */
  readonly logDirectory: string | undefined;
  /** Called for each line of any function's output. */
  readonly onLine?: (line: LogLine) => void;
  /** Called as an invocation ends, with the function’s name. */
  readonly onResult?: (name: string, status: InvocationResult['status']) => void;
}

/** A pool for each function of the template. No process starts before the first invocation. */
export class Functions {
  readonly #pools: FunctionPool[];

  constructor({ resolver, endpoints, account, clock, logDirectory, onLine, onResult }: FunctionsOptions) {
    this.#pools = resolver.logicalIds('AWS::Lambda::Function').map((logicalId) => {
      const configuration = configurationOf(resolver, logicalId, endpoints);
      const logFile = logDirectory && join(logDirectory, `${configuration.handler.split('.')[0]}.log`);
      const onEnd = onResult && ((status: InvocationResult['status']) => onResult(configuration.name, status));
      return new FunctionPool(configuration, clock, account, logFile, onLine, onEnd);
    });
  }

  all(): readonly FunctionPool[] {
    return this.#pools;
  }

  /** By logical id, handler name (`enrich-batch`), function name or ARN. @throws Error if there is none */
  find(key: string): FunctionPool {
    const pool = this.lookUp(key);
    if (pool === undefined) throw new Error(`the template has no function ${key}`);
    return pool;
  }

  lookUp(key: string): FunctionPool | undefined {
    return this.#pools.find(({ handlerName, configuration: { logicalId, name, arn } }) =>
      [logicalId, handlerName, name, arn].includes(key),
    );
  }

  killAll(): void {
    for (const pool of this.#pools) pool.killAll();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.stop()));
  }
}

function functionArn(name: string): string {
  return arnOf('lambda', `function:${name}`);
}
