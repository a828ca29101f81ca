import { describe, expect, test } from '@jest/globals';
import { STAGE_NAMES } from '../../lib/stage.ts';
import { flatten, propertiesOf, type Resource, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

type Kept = Resource & { readonly DeletionPolicy?: string; readonly UpdateReplacePolicy?: string };

const ALL_OPTIONS = synthesize('prod with all options');
const PUBLIC_PARTNERS = { ALLOW_PLAIN_HTTP: 'false', ALLOWED_CIDRS: '', ALLOWED_PORTS: '443,8443' };
const ONE_AT_A_TIME = { 'reconcile.handler': 1, 'warm-cache.handler': 1 };

/**
 * Differences between the stages. `reserved`: concurrency of functions; `parallel`: concurrent batches of each queue; `slow`:
 * how much of DeliverTask's concurrency one slow endpoint may use; `sending`: how many environments may send.
 */
const DIFFERENCES = [
  {
    stage: 'local',
    gateways: 1,
    logDays: 1,
    isRetained: false,
    reserved: {},
    parallel: { Events: 5, Deliveries: 10, Outcomes: 2 },
    partners: { ALLOW_PLAIN_HTTP: 'true', ALLOWED_CIDRS: '127.0.0.0/8,::1/128', ALLOWED_PORTS: 'any' },
    limits: { slow: '2', sending: '20', tls: 'false' },
  },
  {
    stage: 'dev',
    gateways: 1,
    logDays: 7,
    isRetained: false,
    // A new account has a concurrency of 10, all of which must stay unreserved.
    reserved: {},
    parallel: { Events: 2, Deliveries: 4, Outcomes: 2 },
    partners: PUBLIC_PARTNERS,
    limits: { slow: '2', sending: '14', tls: 'true' },
  },
  {
    stage: 'staging',
    gateways: 1,
    logDays: 30,
    isRetained: false,
    reserved: { 'enrich-task.handler': 3, 'deliver-batch.handler': 10, 'deliver-task.handler': 10, ...ONE_AT_A_TIME },
    parallel: { Events: 5, Deliveries: 10, Outcomes: 2 },
    partners: PUBLIC_PARTNERS,
    limits: { slow: '2', sending: '20', tls: 'true' },
  },
  {
    stage: 'prod',
    gateways: 2,
    logDays: 90,
    isRetained: true,
    reserved: { 'enrich-task.handler': 3, 'deliver-batch.handler': 20, 'deliver-task.handler': 50, ...ONE_AT_A_TIME },
    parallel: { Events: 5, Deliveries: 20, Outcomes: 2 },
    partners: PUBLIC_PARTNERS,
    limits: { slow: '10', sending: '70', tls: 'true' },
  },
];

describe.each(DIFFERENCES)('in $stage', ({ stage, gateways, logDays, isRetained, ...differing }) => {
  const template = synthesize(stage);
  const of = (type: string) => propertiesOf(template, type);
  const functions = of('AWS::Lambda::Function');

  test('requests leave through gateways with addresses of the stack, which it outputs', () => {
    const numbers = Array.from({ length: gateways }, (_, at) => at + 1);
    const through = of('AWS::EC2::NatGateway').map(({ AllocationId }) => flatten(AllocationId));
    expect(through).toEqual(numbers.map((number) => `<NetworkEgress${number}.AllocationId>`));
    const used = of('AWS::EC2::Route').flatMap(({ NatGatewayId }) => (NatGatewayId ? [flatten(NatGatewayId)] : []));
    expect(new Set(used).size).toBe(gateways);
    expect(of('AWS::EC2::EIP').map(({ Tags }) => Tags[0].Value)).toEqual(
      numbers.map((number) => `learning-time-webhooks-${stage}-egress-${number}`),
    );
    const addresses = numbers.map((number) => `<NetworkEgress${number}.PublicIp>`).join();
    expect(flatten(template.Outputs.EgressAddresses?.Value)).toBe(addresses);
  });

  test('the zones are the first two of the region', () => {
    const zones = of('AWS::EC2::Subnet').map(({ AvailabilityZone }) => JSON.stringify(AvailabilityZone));
    const first = [0, 1].map((at) => JSON.stringify({ 'Fn::Select': [at, { 'Fn::GetAZs': '' }] }));
    // `local` has an account and a region, for which CDK has names of its own.
    const [one, two] = stage === 'local' ? zones : first;
    expect(zones).toEqual([one, two, one, two]);
  });

  test('logs are deleted after the stage’s days', () => {
    // Fifteen functions, the workflow, rejected traffic, requests to the status API.
    expect(of('AWS::Logs::LogGroup').map(({ RetentionInDays }) => RetentionInDays)).toEqual(Array(18).fill(logDays));
  });

  test('concurrency is the stage’s', () => {
    const found = functions.filter(({ ReservedConcurrentExecutions }) => ReservedConcurrentExecutions !== undefined);
    const reserved = found.map((fn) => [fn.Handler, fn.ReservedConcurrentExecutions]);
    expect(Object.fromEntries(reserved)).toEqual(differing.reserved);
    const mappings = of('AWS::Lambda::EventSourceMapping').map(({ EventSourceArn, ScalingConfig }) => [
      flatten(EventSourceArn).slice('<Queues'.length, -'.Arn>'.length),
      ScalingConfig.MaximumConcurrency,
    ]);
    expect(Object.fromEntries(mappings)).toEqual(differing.parallel);
  });

  test('all delivering functions allow the same endpoints', () => {
    const delivering = functions
      .map(({ Handler, Environment }) => ({ Handler, ...Environment.Variables }))
      .filter(({ ALLOW_PLAIN_HTTP }) => ALLOW_PLAIN_HTTP !== undefined);
    const { slow, sending, tls } = differing.limits;
    const way = { ...differing.partners, INTEGRATION_SECRETS_PREFIX: `/${stage}/integrations/` };
    const limits = { SLOW_ENDPOINT_ATTEMPTS: slow, SENDING_ENVIRONMENTS: sending, CACHE_TLS: tls };
    expect(delivering).toMatchObject([
      { Handler: 'deliver-batch.handler', ...way, ...limits },
      { Handler: 'deliver-task.handler', ...way, ...limits },
      { Handler: 'send-test.handler', ...way },
    ]);
  });

  test('what holds data outlives the stack in prod only', () => {
    const retained = Object.values(template.Resources as Record<string, Kept>).filter(({ DeletionPolicy }) =>
      DeletionPolicy?.startsWith('Retain'),
    );
    const types = Map.groupBy(retained, ({ Type, DeletionPolicy, UpdateReplacePolicy }) =>
      [Type, DeletionPolicy, UpdateReplacePolicy].join(' '),
    );
    const counts = [...types].map(([type, resources]) => [type, resources.length]);
    // Except on creation: after the rollback of a first deploy, a leftover name or address would fail the next one.
    expect(Object.fromEntries(counts)).toEqual(
      isRetained
        ? {
            'AWS::SQS::Queue RetainExceptOnCreate Retain': 12,
            'AWS::SecretsManager::Secret RetainExceptOnCreate Retain': 2,
            'AWS::EC2::EIP RetainExceptOnCreate Retain': 2,
            'AWS::KMS::Key RetainExceptOnCreate Retain': 1,
            'AWS::AppConfig::HostedConfigurationVersion RetainExceptOnCreate Retain': 2,
            // A rollback cannot delete a protected table. Its name is generated.
            'AWS::DynamoDB::Table Retain Retain': 1,
          }
        : {},
    );
    expect(of('AWS::DynamoDB::Table')).toMatchObject([{ DeletionProtectionEnabled: isRetained }]);
    expect(of('AWS::KMS::Key').map(({ PendingWindowInDays }) => PendingWindowInDays)).toEqual([
      isRetained ? undefined : 7,
    ]);
    for (const type of ['AWS::AppConfig::Environment', 'AWS::AppConfig::ConfigurationProfile']) {
      const checks = of(type).map(({ DeletionProtectionCheck }) => DeletionProtectionCheck);
      expect(checks).toEqual(Array(2).fill(isRetained ? 'APPLY' : 'BYPASS'));
    }
  });
});

test('zones that a stage names have a public and a private subnet each, and a subnet of the cache', () => {
  const subnets = propertiesOf(ALL_OPTIONS, 'AWS::EC2::Subnet');
  const zones = ['us-west-2a', 'us-west-2b', 'us-west-2c'];
  expect(subnets.map(({ AvailabilityZone }) => AvailabilityZone)).toEqual([...zones, ...zones]);
  expect(new Set(subnets.map(({ CidrBlock }) => CidrBlock)).size).toBe(6);
  const [cache] = propertiesOf(ALL_OPTIONS, 'AWS::ElastiCache::ServerlessCache');
  expect(cache.SubnetIds).toHaveLength(3);
});

describe('publishers', () => {
  test('may send to the events queue only', () => {
    const allowed = propertiesOf(ALL_OPTIONS, 'AWS::SQS::QueuePolicy').flatMap(({ PolicyDocument, Queues }) =>
      PolicyDocument.Statement.filter(
        ({ Effect, Principal }: { Effect: string; Principal: object }) => Effect === 'Allow' && 'AWS' in Principal,
      ).map(({ Principal, Action, Resource }: Record<string, Record<string, unknown[]>>) => [
        Principal?.AWS?.map(flatten),
        Action,
        flatten(Resource),
        Queues.map(flatten),
      ]),
    );
    const principals = ['arn:aws:iam::210987654321:role/lms/publisher', 'arn:<AWS::Partition>:iam::123456789012:root'];
    expect(allowed).toEqual([[principals, 'sqs:SendMessage', '<QueuesEvents.Arn>', ['<QueuesEvents>']]]);
  });

  test.each(STAGE_NAMES)('are none in %s by default', (stage) => {
    expect(JSON.stringify(propertiesOf(synthesize(stage), 'AWS::SQS::QueuePolicy'))).not.toContain('Publishers');
  });
});

test('the override of the flag is set on functions that read the flag, and only if the stage has one', () => {
  const valuesIn = (name: string) =>
    resourcesOf(synthesize(name), 'AWS::Lambda::Function').flatMap(([id, { Properties }]) => {
      const value = Properties.Environment.Variables.FEATURE_WEBHOOK_LEARNING_TIME_ENRICHMENT_ENABLED;
      return value === undefined ? [] : [[flatten({ Ref: id }), value]];
    });
  expect(valuesIn('dev with the flag overridden')).toEqual([
    ['<WarmCacheFunction>', 'false'],
    ['<EnrichmentEnrichBatchFunction>', 'false'],
    ['<EnrichmentEnrichTaskFunction>', 'false'],
    ['<StatusApiFeatureStatusFunction>', 'false'],
  ]);
  expect(valuesIn('dev')).toEqual([]);
});

test('WarmCache has its schedule unless the stage switches it off, and a stage without it may have a window', () => {
  const of = (name: string) => {
    const rules = propertiesOf(synthesize(name), 'AWS::Events::Rule');
    const schedule = rules.find(({ Targets: [{ Arn }] }) => flatten(Arn) === '<WarmCacheFunction.Arn>');
    const [events] = propertiesOf(synthesize(name), 'AWS::Lambda::EventSourceMapping');
    return [schedule.State, events.BatchSize, events.MaximumBatchingWindowInSeconds];
  };
  expect(STAGE_NAMES.map(of)).toEqual(STAGE_NAMES.map(() => ['ENABLED', 10, 0]));
  expect(of('prod without WarmCache')).toEqual(['DISABLED', 100, 1]);
});
