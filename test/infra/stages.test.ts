import { describe, expect, test } from '@jest/globals';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import {
  flatten,
  type Resource,
  resourcesOf,
  synthesize,
  synthesizeStage,
  type Template,
} from '../support/synthesized-stack.ts';

type Kept = Resource & { readonly DeletionPolicy?: string; readonly UpdateReplacePolicy?: string };

const PUBLIC_PARTNERS = { ALLOW_PLAIN_HTTP: 'false', ALLOWED_CIDRS: '', ALLOWED_PORTS: '443,8443' };
const ONE_RECONCILER = { 'reconcile.handler': 1 };

const templates = new Map(STAGE_NAMES.map((name) => [name, synthesize(name)]));
const templateOf = (stage: string) => templates.get(stage) as Template;

/** Differences between the stages. `reserved`: concurrency of functions; `parallel`: concurrent batches of each queue. */
const DIFFERENCES = [
  {
    stage: 'local',
    gateways: 1,
    logDays: 1,
    isLedgerProtected: false,
    reserved: {},
    parallel: { Events: 5, Deliveries: 10, Outcomes: 2 },
    partners: { ALLOW_PLAIN_HTTP: 'true', ALLOWED_CIDRS: '127.0.0.0/8,::1/128', ALLOWED_PORTS: 'any' },
  },
  {
    stage: 'dev',
    gateways: 1,
    logDays: 7,
    isLedgerProtected: false,
    // A new account has a concurrency of 10, all of which must stay unreserved.
    reserved: {},
    parallel: { Events: 2, Deliveries: 4, Outcomes: 2 },
    partners: PUBLIC_PARTNERS,
  },
  {
    stage: 'staging',
    gateways: 1,
    logDays: 30,
    isLedgerProtected: false,
    reserved: { 'enrich-task.handler': 3, 'deliver-batch.handler': 10, 'deliver-task.handler': 10, ...ONE_RECONCILER },
    parallel: { Events: 5, Deliveries: 10, Outcomes: 2 },
    partners: PUBLIC_PARTNERS,
  },
  {
    stage: 'prod',
    gateways: 2,
    logDays: 90,
    isLedgerProtected: true,
    reserved: { 'enrich-task.handler': 3, 'deliver-batch.handler': 20, 'deliver-task.handler': 50, ...ONE_RECONCILER },
    parallel: { Events: 5, Deliveries: 20, Outcomes: 2 },
    partners: PUBLIC_PARTNERS,
  },
];

function isRetained(resource: Resource): boolean {
  return (resource as Kept).DeletionPolicy?.startsWith('Retain') === true;
}

function propertiesOf(stage: string, type: string) {
  return resourcesOf(templateOf(stage), type).map(([, { Properties }]) => Properties);
}

describe('egress', () => {
  test.each(DIFFERENCES)(
    '$stage has $gateways gateways, each with an address of the stack, and outputs all addresses',
    ({ stage, gateways }) => {
      const through = propertiesOf(stage, 'AWS::EC2::NatGateway').map(({ AllocationId }) => flatten(AllocationId));
      const numbers = Array.from({ length: gateways }, (_, at) => at + 1);
      expect(through).toEqual(numbers.map((number) => `<NetworkEgress${number}.AllocationId>`));
      expect(propertiesOf(stage, 'AWS::EC2::EIP').map(({ Tags }) => Tags[0].Value)).toEqual(
        numbers.map((number) => `learning-time-webhooks-${stage}-egress-${number}`),
      );
      expect(flatten(templateOf(stage).Outputs.EgressAddresses?.Value)).toBe(
        numbers.map((number) => `<NetworkEgress${number}.PublicIp>`).join(),
      );
    },
  );

  test('in prod each zone has its own gateway', () => {
    const through = propertiesOf('prod', 'AWS::EC2::Route').flatMap(({ NatGatewayId }) =>
      NatGatewayId === undefined ? [] : [flatten(NatGatewayId)],
    );
    expect(new Set(through).size).toBe(2);
  });
});

describe('zones', () => {
  const zonesOf = (template: Template) =>
    resourcesOf(template, 'AWS::EC2::Subnet').map(([, { Properties }]) => Properties.AvailabilityZone);

  test.each(STAGE_NAMES)('%s: the first two of the region', (stage) => {
    const first = [0, 1].map((at) => ({ 'Fn::Select': [at, { 'Fn::GetAZs': '' }] }));
    const [one, two] = stage === 'local' ? zonesOf(templateOf(stage)).slice(0, 2) : first;
    expect(zonesOf(templateOf(stage))).toEqual([one, two, one, two]);
  });

  test.each([
    ['us-west-2b,us-west-2d', 2],
    ['us-west-2a,us-west-2b,us-west-2c', 3],
  ])('%s, if a stage names them: a public and a private subnet in each', (availabilityZones, count) => {
    const template = synthesizeStage(findStage('prod', { availabilityZones }));
    const zones = availabilityZones.split(',');
    expect(zonesOf(template)).toEqual([...zones, ...zones]);
    const [[, cache] = []] = resourcesOf(template, 'AWS::ElastiCache::ServerlessCache');
    expect(cache?.Properties.SubnetIds).toHaveLength(count);
    const ranges = resourcesOf(template, 'AWS::EC2::Subnet').map(([, { Properties }]) => Properties.CidrBlock);
    expect(new Set(ranges).size).toBe(2 * count);
  });
});

describe('retained resources', () => {
  /** Deleted if the first deploy is rolled back: a leftover name or address would fail the next deploy. */
  const TYPES = [
    ['AWS::SQS::Queue', 9],
    ['AWS::SecretsManager::Secret', 2],
    ['AWS::EC2::EIP', 2],
    ['AWS::KMS::Key', 1],
    ['AWS::AppConfig::HostedConfigurationVersion', 2],
  ] as const;

  test.each(TYPES)('in prod: %s, of which there are %i', (type, count) => {
    const resources = resourcesOf(templateOf('prod'), type).map(([, resource]) => resource as Kept);
    expect(resources).toHaveLength(count);
    for (const { DeletionPolicy, UpdateReplacePolicy } of resources) {
      expect({ DeletionPolicy, UpdateReplacePolicy }).toEqual({
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      });
    }
  });

  test('in prod: the ledger too, even after a failed first deploy, which cannot delete a protected table', () => {
    const [[, table] = []] = resourcesOf(templateOf('prod'), 'AWS::DynamoDB::Table');
    expect(table).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('in prod: nothing else', () => {
    const retained = Object.values(templateOf('prod').Resources).filter(isRetained);
    const types = [...TYPES.map(([type]) => type), 'AWS::DynamoDB::Table'];
    expect([...new Set(retained.map(({ Type }) => Type))].sort()).toEqual(types.sort());
  });

  test.each(STAGE_NAMES)('in %s no resource with a fixed name survives the rollback of a first deploy', (stage) => {
    const surviving = Object.values(templateOf(stage).Resources).filter((resource) => {
      const { DeletionPolicy, Properties = {} } = resource as Kept;
      const names = Object.keys(Properties).filter((key) => key === 'Name' || key.endsWith('Name'));
      return DeletionPolicy === 'Retain' && names.length > 0;
    });
    expect(surviving).toEqual([]);
  });

  test.each(['dev', 'staging'])('in %s: nothing', (stage) => {
    expect(Object.values(templateOf(stage).Resources).filter(isRetained)).toEqual([]);
    expect(propertiesOf(stage, 'AWS::KMS::Key')).toMatchObject([{ PendingWindowInDays: 7 }]);
  });

  test.each(DIFFERENCES)(
    'deletion protection of the ledger of $stage: $isLedgerProtected',
    ({ stage, isLedgerProtected }) => {
      expect(propertiesOf(stage, 'AWS::DynamoDB::Table')).toMatchObject([
        { DeletionProtectionEnabled: isLedgerProtected },
      ]);
    },
  );

  test.each([
    ['dev', 'BYPASS'],
    ['prod', 'APPLY'],
  ])('deletion check for polled configurations: %s %s', (stage, check) => {
    for (const type of ['AWS::AppConfig::Environment', 'AWS::AppConfig::ConfigurationProfile']) {
      const checks = propertiesOf(stage, type).map(({ DeletionProtectionCheck }) => DeletionProtectionCheck);
      expect(checks).toEqual([check, check]);
    }
  });
});

test.each(DIFFERENCES)('all logs of $stage are retained for $logDays days', ({ stage, logDays }) => {
  const groups = propertiesOf(stage, 'AWS::Logs::LogGroup');
  // Thirteen functions, the workflow, rejected traffic, requests to the status API.
  expect(groups.map(({ RetentionInDays }) => RetentionInDays)).toEqual(Array(16).fill(logDays));
});

describe.each(DIFFERENCES)('in $stage', ({ stage, reserved, parallel, partners }) => {
  const functions = propertiesOf(stage, 'AWS::Lambda::Function');

  test('reserved concurrency is the stage’s', () => {
    const found = functions.filter(({ ReservedConcurrentExecutions: reserved }) => reserved !== undefined);
    expect(Object.fromEntries(found.map((fn) => [fn.Handler, fn.ReservedConcurrentExecutions]))).toEqual(reserved);
    const mappings = propertiesOf(stage, 'AWS::Lambda::EventSourceMapping').map(({ EventSourceArn, ScalingConfig }) => [
      flatten(EventSourceArn).slice('<Queues'.length, -'.Arn>'.length),
      ScalingConfig.MaximumConcurrency,
    ]);
    expect(Object.fromEntries(mappings)).toEqual(parallel);
  });

  test('all delivering functions allow the same endpoints', () => {
    const delivering = functions
      .map(({ Handler, Environment }) => ({ Handler, ...Environment.Variables }))
      .filter(({ ALLOW_PLAIN_HTTP }) => ALLOW_PLAIN_HTTP !== undefined);
    const way = { ...partners, INTEGRATION_SECRETS_PREFIX: `/${stage}/integrations/` };
    expect(delivering).toMatchObject([
      { Handler: 'deliver-batch.handler', ...way },
      { Handler: 'deliver-task.handler', ...way },
      { Handler: 'send-test.handler', ...way },
    ]);
  });
});

describe('publishers', () => {
  const ROLE = 'arn:aws:iam::210987654321:role/lms/publisher';

  test('may send to the events queue only', () => {
    const template = synthesizeStage(findStage('dev', { publisherPrincipals: `${ROLE},123456789012` }));
    const allowed = resourcesOf(template, 'AWS::SQS::QueuePolicy').flatMap(([, { Properties }]) =>
      Properties.PolicyDocument.Statement.filter(
        ({ Effect, Principal }: { Effect: string; Principal: object }) => Effect === 'Allow' && 'AWS' in Principal,
      ).map((statement: object) => ({ ...statement, Queues: Properties.Queues.map(flatten) })),
    );
    expect(allowed).toEqual([
      {
        Sid: 'Publishers',
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Principal: {
          AWS: [ROLE, { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::123456789012:root']] }],
        },
        Resource: { 'Fn::GetAtt': [expect.stringMatching(/^QueuesEvents[0-9A-F]{8}$/), 'Arn'] },
        Queues: ['<QueuesEvents>'],
      },
    ]);
  });

  test.each(STAGE_NAMES)('are none in %s by default', (stage) => {
    expect(JSON.stringify(propertiesOf(stage, 'AWS::SQS::QueuePolicy'))).not.toContain('Publishers');
  });
});
