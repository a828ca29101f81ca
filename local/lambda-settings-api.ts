import { type Answer, jsonAnswer, type RestApi } from './control-plane/rest.ts';
import type { AccountConcurrency } from './function-pool.ts';
import type { Functions } from './functions.ts';
import { findFunction } from './lambda-api.ts';
import type { Resolver } from './resolver.ts';

export interface LambdaSettings {
  readonly resolver: Resolver;
  readonly functions: Functions;
  /** What functions without a reserved concurrency share. */
  readonly account: Pick<AccountConcurrency, 'limit'>;
}

/**
 * What Lambda tells of its settings, as far as operators ask for it: `GetAccountSettings`, `ListEventSourceMappings`,
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

/** Here what is reserved comes on top of what the others share; an account has both in one number. */
function accountSettings({ functions, account }: LambdaSettings): Answer {
  const reserved = functions.all().map(({ configuration }) => configuration.reservedConcurrency ?? 0);
  const inAll = reserved.reduce((sum, one) => sum + one, account.limit);
  return jsonAnswer(200, {
    AccountLimit: { ConcurrentExecutions: inAll, UnreservedConcurrentExecutions: account.limit },
    AccountUsage: { FunctionCount: functions.all().length },
  });
}

function mappings({ resolver, functions }: LambdaSettings, sourceArn: string | null): Answer {
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
  return jsonAnswer(200, { EventSourceMappings: asked });
}

function functionConcurrency({ functions }: LambdaSettings, key: string): Answer {
  const { reservedConcurrency } = findFunction(functions, key).configuration;
  return jsonAnswer(200, { ReservedConcurrentExecutions: reservedConcurrency });
}

function functionConfiguration({ functions }: LambdaSettings, key: string): Answer {
  const { name, arn, handler, timeoutSeconds, memoryMb, environment } = findFunction(functions, key).configuration;
  return jsonAnswer(200, {
    FunctionName: name,
    FunctionArn: arn,
    Handler: handler,
    Timeout: timeoutSeconds,
    MemorySize: memoryMb,
    Environment: { Variables: environment },
  });
}
