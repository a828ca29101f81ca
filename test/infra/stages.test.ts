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

/** What differs between the stages. `reserved`: concurrency of functions; `parallel`: batches of each queue at a time. */
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
    // A new account has a concurrency of ten in all, and must keep ten unreserved.
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

function isKept(resource: Resource): boolean {
  return (resource as Kept).DeletionPolicy?.startsWith('Retain') === true;
}

function propertiesOf(stage: string, type: string) {
  return resourcesOf(templateOf(stage), type).map(([, { Properties }]) => Properties);
}

describe('egress', () => {
  test.each(DIFFERENCES)(
    '$stage has $gateways gateways, each on an address of the stack, and names them all',
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

  test('in prod each zone goes out through a gateway of its own', () => {
    const through = propertiesOf('prod', 'AWS::EC2::Route').flatMap(({ NatGatewayId }) =>
      NatGatewayId === undefined ? [] : [flatten(NatGatewayId)],
    );
    expect(new Set(through).size).toBe(2);
  });
});

describe('zones', () => {
  const zonesOf = (template: Template) =>
    resourcesOf(template, 'AWS::EC2::Subnet').map(([, { Properties }]) => Properties.AvailabilityZone);

  test.each(STAGE_NAMES)('%s: the first two of wherever it is deployed', (stage) => {
    const first = [0, 1].map((at) => ({ 'Fn::Select': [at, { 'Fn::GetAZs': '' }] }));
    const [one, two] = stage === 'local' ? zonesOf(templateOf(stage)).slice(0, 2) : first;
    expect(zonesOf(templateOf(stage))).toEqual([one, two, one, two]);
  });

  test.each([
    ['us-west-2b,us-west-2d', 2],
    ['us-west-2a,us-west-2b,us-west-2c', 3],
  ])('%s, where a stage names them: a public and a private subnet in each', (availabilityZones, count) => {
    const template = synthesizeStage(findStage('prod', { availabilityZones }));
    const zones = availabilityZones.split(',');
    expect(zonesOf(template)).toEqual([...zones, ...zones]);
    const [[, cache] = []] = resourcesOf(template, 'AWS::ElastiCache::ServerlessCache');
    expect(cache?.Properties.SubnetIds).toHaveLength(count);
    const ranges = resourcesOf(template, 'AWS::EC2::Subnet').map(([, { Properties }]) => Properties.CidrBlock);
    expect(new Set(ranges).size).toBe(2 * count);
  });
});

describe('what outlives the stack', () => {
  /** Gone again where the stack's first deploy is rolled back: a name, or an address, that stays would stop the next attempt. */
  const TYPES = [
    ['AWS::SQS::Queue', 8],
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

  test('in prod: the ledger too, even after a failed first deploy, which could not delete a protected table', () => {
    const [[, table] = []] = resourcesOf(templateOf('prod'), 'AWS::DynamoDB::Table');
    expect(table).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('in prod: nothing else', () => {
    const kept = Object.values(templateOf('prod').Resources).filter(isKept);
    const types = [...TYPES.map(([type]) => type), 'AWS::DynamoDB::Table'];
    expect([...new Set(kept.map(({ Type }) => Type))].sort()).toEqual(types.sort());
  });

  test.each(STAGE_NAMES)(
    'in %s nothing that has a name of its own survives a first deploy that is rolled back',
    (stage) => {
      const surviving = Object.values(templateOf(stage).Resources).filter((resource) => {
        const { DeletionPolicy, Properties = {} } = resource as Kept;
        const names = Object.keys(Properties).filter((key) => key === 'Name' || key.endsWith('Name'));
        return DeletionPolicy === 'Retain' && names.length > 0;
      });
      expect(surviving).toEqual([]);
    },
  );

  test.each(['dev', 'staging'])('in %s: nothing', (stage) => {
    expect(Object.values(templateOf(stage).Resources).filter(isKept)).toEqual([]);
    expect(propertiesOf(stage, 'AWS::KMS::Key')).toMatchObject([{ PendingWindowInDays: 7 }]);
  });

  test.each(DIFFERENCES)(
    'the ledger of $stage refuses to be deleted: $isLedgerProtected',
    ({ stage, isLedgerProtected }) => {
      expect(propertiesOf(stage, 'AWS::DynamoDB::Table')).toMatchObject([
        { DeletionProtectionEnabled: isLedgerProtected },
      ]);
    },
  );

  test.each([
    ['dev', 'BYPASS'],
    ['prod', 'APPLY'],
  ])('functions that polled of late: %s %s', (stage, check) => {
    for (const type of ['AWS::AppConfig::Environment', 'AWS::AppConfig::ConfigurationProfile']) {
      const checks = propertiesOf(stage, type).map(({ DeletionProtectionCheck }) => DeletionProtectionCheck);
      expect(checks).toEqual([check, check]);
    }
  });
});

test.each(DIFFERENCES)('all logs of $stage are kept for $logDays days', ({ stage, logDays }) => {
  const groups = propertiesOf(stage, 'AWS::Logs::LogGroup');
  // Thirteen functions, the workflow, refused traffic, requests to the status API.
  expect(groups.map(({ RetentionInDays }) => RetentionInDays)).toEqual(Array(16).fill(logDays));
});

describe.each(DIFFERENCES)('in $stage', ({ stage, reserved, parallel, partners }) => {
  const functions = propertiesOf(stage, 'AWS::Lambda::Function');

  test('concurrency is bounded where the stage says so', () => {
    const found = functions.filter(({ ReservedConcurrentExecutions: reserved }) => reserved !== undefined);
    expect(Object.fromEntries(found.map((fn) => [fn.Handler, fn.ReservedConcurrentExecutions]))).toEqual(reserved);
    const mappings = propertiesOf(stage, 'AWS::Lambda::EventSourceMapping').map(({ EventSourceArn, ScalingConfig }) => [
      flatten(EventSourceArn).slice('<Queues'.length, -'.Arn>'.length),
      ScalingConfig.MaximumConcurrency,
    ]);
    expect(Object.fromEntries(mappings)).toEqual(parallel);
  });

  test('all that deliver have the same way to partners', () => {
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

  test('may send to the events queue, and nothing else', () => {
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

  test.each(STAGE_NAMES)('are none in %s, until somebody names them', (stage) => {
    expect(JSON.stringify(propertiesOf(stage, 'AWS::SQS::QueuePolicy'))).not.toContain('Publishers');
  });
});
