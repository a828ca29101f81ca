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

const templates = new Map(STAGE_NAMES.map((name) => [name, synthesize(name)]));
const templateOf = (stage: string) => templates.get(stage) as Template;

function isKept(resource: Resource): boolean {
  return (resource as Kept).DeletionPolicy?.startsWith('Retain') === true;
}

function propertiesOf(stage: string, type: string) {
  return resourcesOf(templateOf(stage), type).map(([, { Properties }]) => Properties);
}

describe('egress', () => {
  test.each([
    ['local', 1],
    ['dev', 1],
    ['staging', 1],
    ['prod', 2],
  ])('%s has %i gateways, each on an address of the stack, and names them all', (stage, count) => {
    const gateways = propertiesOf(stage, 'AWS::EC2::NatGateway').map(({ AllocationId }) => flatten(AllocationId));
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    expect(gateways).toEqual(numbers.map((number) => `<NetworkEgress${number}.AllocationId>`));
    expect(propertiesOf(stage, 'AWS::EC2::EIP').map(({ Tags }) => Tags[0].Value)).toEqual(
      numbers.map((number) => `learning-time-webhooks-${stage}-egress-${number}`),
    );
    expect(flatten(templateOf(stage).Outputs.EgressAddresses?.Value)).toBe(
      numbers.map((number) => `<NetworkEgress${number}.PublicIp>`).join(),
    );
  });

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

  test.each([
    ['local', false],
    ['dev', false],
    ['staging', false],
    ['prod', true],
  ])('the ledger of %s refuses to be deleted: %p', (stage, isProtected) => {
    expect(propertiesOf(stage, 'AWS::DynamoDB::Table')).toMatchObject([{ DeletionProtectionEnabled: isProtected }]);
  });

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

describe('logs', () => {
  test.each([
    ['local', 1],
    ['dev', 7],
    ['staging', 30],
    ['prod', 90],
  ])('all of %s are kept for %i days', (stage, days) => {
    const groups = propertiesOf(stage, 'AWS::Logs::LogGroup');
    // Thirteen functions, the workflow, refused traffic, requests to the status API.
    expect(groups.map(({ RetentionInDays }) => RetentionInDays)).toEqual(Array(16).fill(days));
  });
});

describe('concurrency', () => {
  const reservedIn = (stage: string) =>
    Object.fromEntries(
      propertiesOf(stage, 'AWS::Lambda::Function').flatMap(({ Handler, ReservedConcurrentExecutions: reserved }) =>
        reserved === undefined ? [] : [[Handler, reserved]],
      ),
    );

  test.each(['local', 'dev'])('%s reserves nothing: a new account has ten in all, and must keep ten', (stage) => {
    expect(reservedIn(stage)).toEqual({});
  });

  test.each([
    ['staging', { 'enrich-task.handler': 3, 'deliver-batch.handler': 10, 'deliver-task.handler': 10 }],
    ['prod', { 'enrich-task.handler': 3, 'deliver-batch.handler': 20, 'deliver-task.handler': 50 }],
  ])('%s bounds what presses on the warehouse and on partners, and reconciles one at a time', (stage, expected) => {
    expect(reservedIn(stage)).toEqual({ ...expected, 'reconcile.handler': 1 });
  });

  test.each([
    ['local', 5, 10],
    ['dev', 2, 4],
    ['staging', 5, 10],
    ['prod', 5, 20],
  ])('%s reads %i batches of events and %i of deliveries side by side', (stage, events, deliveries) => {
    const mappings = propertiesOf(stage, 'AWS::Lambda::EventSourceMapping').map(({ EventSourceArn, ScalingConfig }) => [
      flatten(EventSourceArn),
      ScalingConfig.MaximumConcurrency,
    ]);
    expect(mappings).toEqual([
      ['<QueuesEvents.Arn>', events],
      ['<QueuesDeliveries.Arn>', deliveries],
      ['<QueuesOutcomes.Arn>', 2],
    ]);
  });
});

describe('the way to partners', () => {
  const WAYS = {
    local: ['true', '127.0.0.0/8,::1/128', 'any'],
    dev: ['false', '', '443,8443'],
    staging: ['false', '', '443,8443'],
    prod: ['false', '', '443,8443'],
  };

  test.each(Object.entries(WAYS))('in %s, for all that deliver', (stage, [plainHttp, cidrs, ports]) => {
    const delivering = propertiesOf(stage, 'AWS::Lambda::Function')
      .map(({ Handler, Environment }) => ({ Handler, ...Environment.Variables }))
      .filter(({ ALLOW_PLAIN_HTTP }) => ALLOW_PLAIN_HTTP !== undefined);
    const way = {
      ALLOW_PLAIN_HTTP: plainHttp,
      ALLOWED_CIDRS: cidrs,
      ALLOWED_PORTS: ports,
      INTEGRATION_SECRETS_PREFIX: `/${stage}/integrations/`,
    };
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
