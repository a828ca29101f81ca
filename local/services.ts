import type { OnCall } from './aws-calls.ts';
import { Clock } from './clock/clock.ts';
import { registerSecrets } from './configuration-seeds.ts';
import { type ControlPlane, startControlPlane } from './control-plane/server.ts';
import { Tables } from './dynamodb/dynamodb.ts';
import { HttpApis } from './http-api/http-apis.ts';
import { Resolver } from './resolver.ts';
import { Queues } from './sqs/queues.ts';
import type { Template } from './template.ts';
import { type RunningValkey, startValkey } from './valkey/start-valkey.ts';

/** Types that run here. References to them resolve to running services, never to generated values. */
const LOCAL_TYPES = [
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::Events::EventBus',
  'AWS::DynamoDB::Table',
  'AWS::Lambda::Function',
  'AWS::StepFunctions::StateMachine',
  'AWS::AppConfig::Application',
  'AWS::AppConfig::Environment',
  'AWS::AppConfig::ConfigurationProfile',
  'AWS::AppConfig::HostedConfigurationVersion',
  'AWS::AppConfig::DeploymentStrategy',
  'AWS::SecretsManager::Secret',
  'AWS::ElastiCache::ServerlessCache',
  'AWS::ApiGatewayV2::Api',
] as const;

/** The services that other resources refer to: started before any reference is resolved. */
export interface Services {
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly queues: Queues;
  /** Undefined if the template has no table. */
  readonly tables: Tables | undefined;
  readonly controlPlane: ControlPlane;
  readonly httpApis: HttpApis;
  readonly caches: readonly RunningValkey[];
}

export interface ServiceOptions {
  /** Port of SQS on 127.0.0.1; a free one by default. */
  readonly sqsPort?: number;
  /** Called for each request that a service receives. */
  readonly onCall?: OnCall | undefined;
}

/** @throws Error if one of them does not start; the others are stopped then */
export async function startServices(
  template: Template,
  { sqsPort = 0, onCall }: ServiceOptions = {},
): Promise<Services> {
  const resolver = new Resolver(template, new Set(LOCAL_TYPES));
  const cacheIds = resolver.logicalIds('AWS::ElastiCache::ServerlessCache');
  const hasTables = resolver.logicalIds('AWS::DynamoDB::Table').length > 0;
  const clock = new Clock();
  const [queues, controlPlane, httpApis, tables, ...caches] = await startAll(
    Queues.start({ clock, port: sqsPort, onCall }),
    startControlPlane({ clock, onCall }),
    HttpApis.start(resolver, clock),
    hasTables ? Tables.start({ clock, onCall }) : Promise.resolve(undefined),
    ...cacheIds.map(() => startValkey({ isMovable: true })),
  );
  for (const cache of caches) await clock.follow((offsetMs) => cache.moveClock(offsetMs));
  for (const [index, logicalId] of cacheIds.entries()) registerCache(resolver, logicalId, caches[index]);
  httpApis.register(resolver);
  registerSecrets(resolver, controlPlane);
  return { clock, resolver, queues, tables, controlPlane, httpApis, caches };
}

export async function stopServices({ clock, queues, tables, controlPlane, httpApis, caches }: Services): Promise<void> {
  clock.stop();
  const stopping = [queues.stop(), tables?.stop(), controlPlane.close(), httpApis.stop()];
  await Promise.all([...stopping, ...caches.map((cache) => cache.stop())]);
}

async function startAll(
  ...starting: [
    Promise<Queues>,
    Promise<ControlPlane>,
    Promise<HttpApis>,
    Promise<Tables | undefined>,
    ...Promise<RunningValkey>[],
  ]
): Promise<[Queues, ControlPlane, HttpApis, Tables | undefined, ...RunningValkey[]]> {
  const results = await Promise.allSettled(starting);
  const fault = results.find(({ status }) => status === 'rejected');
  if (fault === undefined) return Promise.all(starting);
  for (const result of results) {
    const running = result.status === 'fulfilled' ? result.value : undefined;
    if (running !== undefined) await ('stop' in running ? running.stop() : running.close());
  }
  throw (fault as PromiseRejectedResult).reason;
}

function registerCache(resolver: Resolver, logicalId: string, cache: RunningValkey | undefined): void {
  const [address, port] = ['127.0.0.1', String(cache?.port)];
  const attributes = {
    'Endpoint.Address': address,
    'Endpoint.Port': port,
    'ReaderEndpoint.Address': address,
    'ReaderEndpoint.Port': port,
  };
  resolver.register(logicalId, { ref: logicalId, attributes });
}
