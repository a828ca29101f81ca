import { describe, expect, test } from '@jest/globals';
import type * as z from 'zod';
import { PARKING_WAITS_MS } from '../../lambdas/delivery/parking.ts';
import { ENRICHMENT_RETRY_STEP_MS, JITTER } from '../../lambdas/events/retry-timing.ts';
import { reconcileInputSchema } from '../../lambdas/ledger/reconciliation.ts';
import { LEDGER_TABLE } from '../../lambdas/ledger/record.ts';
import { integrationSchema } from '../../lambdas/partners/integration.ts';
import * as environment from '../../lambdas/shared/environment.ts';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { slowEndpointAttempts } from '../../lib/delivery.ts';
import type { FunctionSize } from '../../lib/function-size.ts';
import { findStage } from '../../lib/stage.ts';
import {
  flatten,
  functionProperties,
  onlyResource,
  propertiesOf,
  type Resource,
  resourcesOf,
  synthesize,
  workflowDefinition,
} from '../support/synthesized-stack.ts';

const template = synthesize('local');
const of = (type: string) => propertiesOf(template, type);
const handlersWith = (isOne: (fn: Resource['Properties']) => boolean) =>
  of('AWS::Lambda::Function').flatMap((fn) => (isOne(fn) ? [fn.Handler.replace('.handler', '')] : []));

const SCHEMAS: Readonly<Record<string, z.ZodObject>> = {
  'enrich-batch': environment.enrichBatchEnvironment,
  'enrich-task': environment.enrichTaskEnvironment,
  'check-warehouse': environment.checkWarehouseEnvironment,
  'warm-cache': environment.warmCacheEnvironment,
  'deliver-batch': environment.deliverBatchEnvironment,
  'deliver-task': environment.deliverTaskEnvironment,
  'send-test': environment.sendTestEnvironment,
  'rescue-execution': environment.rescueExecutionEnvironment,
  'sweep-executions': environment.sweepExecutionsEnvironment,
  'credential-age': environment.credentialAgeEnvironment,
  'certificate-expiry': environment.certificateExpiryEnvironment,
  reconcile: environment.reconcileEnvironment,
  'settle-outcomes': environment.settleOutcomesEnvironment,
  'feature-status': environment.featureStatusEnvironment,
  'webhook-health': environment.webhookHealthEnvironment,
};
const HANDLERS = Object.keys(SCHEMAS);
const SNOWFLAKE_SDK_VARIABLES = {
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
  SNOWFLAKE_DISABLE_MINICORE: 'true',
  SF_TELEMETRY_DISABLE_CONNECTION_SHAPE: '1',
};

/** References and values of the variables. */
const MEANINGS: Readonly<Record<string, string>> = {
  EVENTS_QUEUE_URL: '<QueuesEvents>',
  EVENTS_DEAD_LETTER_QUEUE_URL: '<QueuesEventsDeadLetters>',
  DELIVERIES_QUEUE_URL: '<QueuesDeliveries>',
  EVENT_BUS_NAME: '<OperationalEventsBus>',
  DELIVERIES_DEAD_LETTER_QUEUE_URL: '<QueuesDeliveriesDeadLetters>',
  OUTCOMES_QUEUE_URL: '<QueuesOutcomes>',
  OUTCOMES_DEAD_LETTER_QUEUE_URL: '<QueuesOutcomesDeadLetters>',
  STATE_MACHINE_ARN: '<RetryWorkflowStateMachine>',
  CACHE_HOST: '<CacheValkey.Endpoint.Address>',
  CACHE_PORT: '<CacheValkey.Endpoint.Port>',
  APPCONFIG_APPLICATION_ID: '<ConfigurationApplication>',
  FLAGS_ENVIRONMENT_ID: '<ConfigurationFlagsEnvironment>',
  FLAGS_PROFILE_ID: '<ConfigurationFlagsProfileConfigurationProfile>',
  INTEGRATIONS_ENVIRONMENT_ID: '<ConfigurationIntegrationsEnvironment>',
  INTEGRATIONS_PROFILE_ID: '<ConfigurationIntegrationsProfileConfigurationProfile>',
  LEDGER_TABLE_NAME: '<LedgerTable>',
  LEDGER_PAYLOAD_DAYS: '30',
  LEDGER_FACTS_DAYS: '400',
  LEDGER_FAILURES_TO_OPEN: '5',
  LEDGER_OPEN_SECONDS: '10',
  LEDGER_SLOW_MILLISECONDS: '1000',
  METRICS_TOKEN_SECRET_ID: '/local/metrics-token',
  POWERTOOLS_METRICS_NAMESPACE: 'LearningTimeWebhooks/local',
  SNOWFLAKE_WAREHOUSE: 'REPORTING_WH',
  SNOWFLAKE_ROLE: 'ANALYST',
  LEARNING_TIME_TABLE: 'PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME',
  LEARNING_TIME_USER_COLUMN: 'USER_ID',
  LEARNING_TIME_COURSE_COLUMN: 'COURSE_KEY',
  LEARNING_TIME_ENTERPRISE_COLUMN: 'ENTERPRISE_CUSTOMER_UUID',
  LEARNING_TIME_ENTERPRISE_FORM: 'lower',
  LEARNING_TIME_DATE_COLUMN: 'DATE',
  LEARNING_TIME_SECONDS_COLUMN: 'LEARNING_TIME_SECONDS',
  WAREHOUSE_FAILURES_TO_OPEN: '3',
  WAREHOUSE_OPEN_SECONDS: '10',
  WAREHOUSE_SLOW_SECONDS: '8',
};

/** Functions that call partners. */
const DELIVERING = ['deliver-batch', 'deliver-task', 'send-test'];
/** Functions that call the cache, the warehouse or partners. */
const IN_VPC = HANDLERS.slice(0, 7);

describe('queues', () => {
  const queues = new Map(
    resourcesOf(template, 'AWS::SQS::Queue').map(([id, { Properties }]) => [id.slice(0, -8), Properties]),
  );

  test('are encrypted; messages are retained for 4 days, dead-letter messages for 14', () => {
    for (const [name, queue] of queues) {
      const { RedrivePolicy, VisibilityTimeout: _, ...others } = queue;
      const days = RedrivePolicy === undefined ? 14 : 4;
      expect([name, others]).toEqual([name, { MessageRetentionPeriod: days * 24 * 3600, SqsManagedSseEnabled: true }]);
    }
  });

  test('that functions read dead-letter by count after 1,000 receives', () => {
    const read = [...queues].flatMap(([name, { RedrivePolicy: policy }]) =>
      policy === undefined ? [] : [[name, policy.maxReceiveCount, flatten(policy.deadLetterTargetArn)]],
    );
    expect(read).toEqual(
      ['QueuesEvents', 'QueuesDeliveries', 'QueuesOutcomes'].map((name) => [name, 1000, `<${name}DeadLetters.Arn>`]),
    );
  });

  // How many batches run in parallel: stages.test.ts.
  test('have the stage’s batches with partial failures, and a visibility timeout of six function timeouts and the window', () => {
    const sources = of('AWS::Lambda::EventSourceMapping').map((mapping) => {
      const { FunctionName, EventSourceArn, BatchSize, MaximumBatchingWindowInSeconds: window } = mapping;
      const reader = template.Resources[FunctionName.Ref]?.Properties;
      const read = template.Resources[EventSourceArn['Fn::GetAtt'][0]]?.Properties;
      expect(read.VisibilityTimeout).toBe(6 * reader.Timeout + window);
      expect(mapping.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      return [flatten(EventSourceArn), flatten(FunctionName), BatchSize, window];
    });
    expect(sources).toEqual([
      ['<QueuesEvents.Arn>', '<EnrichmentEnrichBatchFunction>', 10, 0],
      ['<QueuesDeliveries.Arn>', '<DeliveryDeliverBatchFunction>', 10, 0],
      ['<QueuesOutcomes.Arn>', '<OutcomesSettleOutcomesFunction>', 10, 0],
    ]);
  });
});

describe('functions', () => {
  test('are these, without any of CDK’s own', () => {
    expect(handlersWith(() => true).sort()).toEqual([...HANDLERS].sort());
  });

  test('each has its stage’s size, runs on Node 24 and Arm, is traced, and has its own role and log group', () => {
    const all = of('AWS::Lambda::Function');
    const sizes: Readonly<Record<string, FunctionSize>> = findStage('local').functions;
    for (const { Handler, Runtime, Architectures, TracingConfig, Timeout, MemorySize } of all) {
      expect([Runtime, Architectures, TracingConfig]).toEqual(['nodejs24.x', ['arm64'], { Mode: 'Active' }]);
      const name = Handler.replace('.handler', '').replaceAll(/-./g, ([, letter]: string) => letter?.toUpperCase());
      expect(sizes[name]).toEqual({ timeoutSeconds: Timeout, memoryMegabytes: MemorySize });
    }
    expect(new Set(all.map(({ Role }) => flatten(Role))).size).toBe(HANDLERS.length);
    expect(new Set(all.map(({ LoggingConfig }) => LoggingConfig.LogGroup.Ref)).size).toBe(HANDLERS.length);
  });

  test('those that call the cache, the warehouse or partners run in the VPC', () => {
    expect(handlersWith(({ VpcConfig }) => VpcConfig !== undefined).sort()).toEqual(IN_VPC.toSorted());
  });

  test.each(HANDLERS)('%s has the variables of its schema and no others', (handler) => {
    const schema = SCHEMAS[handler] as z.ZodObject;
    const { Variables } = functionProperties(template, handler).Environment;
    const forRuntime = {
      IO_DEADLINE_FACTOR: '10',
      ...('SNOWFLAKE_WAREHOUSE' in schema.shape && SNOWFLAKE_SDK_VARIABLES),
      // 2 s times ten, for clients that cannot set the connect timeout per address.
      ...(IN_VPC.includes(handler) && { NODE_OPTIONS: '--network-family-autoselection-attempt-timeout=20000' }),
      // A partner whose name servers hang must not block the lookups of others.
      ...(DELIVERING.includes(handler) && { UV_THREADPOOL_SIZE: '16' }),
    };
    // Lambda reserves these names.
    const named = Object.keys(schema.shape).filter((name) => !name.startsWith('AWS_') && name !== FEATURE_OVERRIDE);
    expect(Object.keys(Variables).sort()).toEqual([...new Set([...named, ...Object.keys(forRuntime)])].sort());
    expect(Variables).toMatchObject(forRuntime);
    // References resolve at deploy time; literal values must match the schema.
    const known = Object.entries(Variables).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : exampleOf(name),
    ]);
    expect(() =>
      environment.readEnvironment(schema, { AWS_REGION: 'us-east-1', ...Object.fromEntries(known) }),
    ).not.toThrow();
  });

  test('a variable has the same value in every function', () => {
    for (const handler of HANDLERS) {
      const { Variables } = functionProperties(template, handler).Environment;
      const meant = Object.fromEntries(
        Object.entries(Variables).flatMap(([name, value]) =>
          name in MEANINGS || typeof value !== 'string' ? [[name, flatten(value)]] : [],
        ),
      );
      const expected = Object.fromEntries(Object.keys(meant).map((name) => [name, MEANINGS[name]]));
      expect({ handler, ...meant }).toEqual({ handler, ...expected });
    }
  });

  test('that query the warehouse have their name in the query tag', () => {
    for (const name of ['enrich-batch', 'enrich-task', 'check-warehouse', 'warm-cache']) {
      const { SNOWFLAKE_QUERY_TAG } = functionProperties(template, name).Environment.Variables;
      expect(SNOWFLAKE_QUERY_TAG).toBe(`learning-time-webhooks/local/${name}`);
    }
  });

  // The stages' numbers: stages.test.ts.
  test('a slow endpoint may always have one attempt', () => {
    expect(slowEndpointAttempts({ timeoutSeconds: 330, memoryMegabytes: 256, reservedConcurrency: 1 })).toBe(1);
  });

  test('only DeliverBatch, which sends to its own queue, may loop', () => {
    expect(handlersWith(({ RecursiveLoop }) => RecursiveLoop === 'Allow')).toEqual(['deliver-batch']);
  });
});

function exampleOf(name: string): string {
  if (name === 'CACHE_PORT') return '6379';
  return name.endsWith('_URL') ? 'https://sqs.us-east-1.amazonaws.com/000000000000/queue' : 'a-reference';
}

test('the Snowflake secret has no value, so that no deploy resets it, and integrations have no secrets', () => {
  const [snowflake, token, ...others] = of('AWS::SecretsManager::Secret');
  expect(snowflake).toEqual({ Name: '/local/snowflake', Description: expect.any(String) });
  expect([token.Name, others]).toEqual(['/local/metrics-token', []]);
});

test('executions are encrypted with the stack’s own key, which rotates, and their log has no data', () => {
  const machine = onlyResource(template, 'AWS::StepFunctions::StateMachine').Properties;
  expect(machine.StateMachineName).toBe('learning-time-webhooks-local');
  expect(machine.EncryptionConfiguration.Type).toBe('CUSTOMER_MANAGED_KMS_KEY');
  expect(flatten(machine.EncryptionConfiguration.KmsKeyId)).toBe('<RetryWorkflowKey.Arn>');
  expect(onlyResource(template, 'AWS::KMS::Key').Properties.EnableKeyRotation).toBe(true);
  expect(machine.LoggingConfiguration).toMatchObject({ Level: 'ERROR', IncludeExecutionData: false });
  expect(machine.TracingConfiguration).toEqual({ Enabled: true });
});

test('log groups that services write to have the prefix that needs no resource policy', () => {
  const names = of('AWS::Logs::LogGroup').flatMap(({ LogGroupName }) => LogGroupName ?? []);
  expect(names).toHaveLength(2);
  for (const name of names) expect(name).toMatch(/^\/aws\/vendedlogs\//);
});

test('the cache is Valkey with cost limits, for WarmCache and the enriching and delivering functions, except SendTest', () => {
  expect(onlyResource(template, 'AWS::ElastiCache::ServerlessCache').Properties).toMatchObject({
    Engine: 'valkey',
    CacheUsageLimits: { DataStorage: { Maximum: 1, Unit: 'GB' }, ECPUPerSecond: { Maximum: 5000 } },
  });
  const ingress = of('AWS::EC2::SecurityGroupIngress').map(
    ({ GroupId, SourceSecurityGroupId, FromPort, ToPort }) =>
      `${flatten(GroupId)} ${flatten(SourceSecurityGroupId)} ${FromPort}-${ToPort}`,
  );
  const delivering = ['DeliveryDeliverBatch', 'DeliveryDeliverTask'];
  const allowed = [...delivering, 'EnrichmentEnrichBatch', 'EnrichmentEnrichTask', 'WarmCache'];
  expect(ingress.sort()).toEqual(
    allowed.map((name) => `<CacheSecurityGroup.GroupId> <${name}FunctionSecurityGroup.GroupId> 6379-6380`),
  );
});

describe('the ledger', () => {
  const table = onlyResource(template, 'AWS::DynamoDB::Table').Properties;

  test('has the keys of LEDGER_TABLE, all strings', () => {
    const { partitionKey, sortKey, index } = LEDGER_TABLE;
    const keys = (partition: string, sort: string) => [
      { AttributeName: partition, KeyType: 'HASH' },
      { AttributeName: sort, KeyType: 'RANGE' },
    ];
    expect(table.KeySchema).toEqual(keys(partitionKey, sortKey));
    expect(table.GlobalSecondaryIndexes).toEqual([
      {
        IndexName: index.name,
        KeySchema: keys(index.partitionKey, index.sortKey),
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: index.attributes },
      },
    ]);
    const named = [partitionKey, sortKey, index.partitionKey, index.sortKey];
    expect(table.AttributeDefinitions).toEqual(named.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })));
  });

  test('is billed on demand, encrypted, restorable for a week, and expires items', () => {
    expect(table).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { SSEEnabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 },
      TimeToLiveSpecification: { AttributeName: LEDGER_TABLE.expiry, Enabled: true },
    });
    expect(table).not.toHaveProperty('TableName');
  });

  test('has a gateway endpoint in the functions’ subnets', () => {
    const endpoint = onlyResource(template, 'AWS::EC2::VPCEndpoint').Properties;
    expect(endpoint.VpcEndpointType).toBe('Gateway');
    expect(flatten(endpoint.ServiceName)).toMatch(/^com\.amazonaws\..*\.dynamodb$/);
    const subnets = new Set(
      IN_VPC.flatMap((handler) => functionProperties(template, handler).VpcConfig.SubnetIds.map(flatten)),
    );
    const routed = resourcesOf(template, 'AWS::EC2::SubnetRouteTableAssociation').filter(([, { Properties }]) =>
      endpoint.RouteTableIds.map(flatten).includes(flatten(Properties.RouteTableId)),
    );
    expect(new Set(routed.map(([, { Properties }]) => flatten(Properties.SubnetId)))).toEqual(subnets);
    expect(subnets.size).toBe(2);
  });
});

describe('an execution', () => {
  const { TimeoutSeconds, States } = workflowDefinition(template);
  const DAY_SECONDS = 24 * 3600;

  test('outlives the longest retry policy, with days for faults of ours', () => {
    const { max_retries, retry_delays_seconds } = integrationSchema.shape;
    const retries = max_retries.unwrap().maxValue as number;
    const longestDelay = retry_delays_seconds.unwrap().element.maxValue as number;
    expect([retries, longestDelay]).toEqual([10, DAY_SECONDS]);

    const delays = retries * longestDelay * (1 + JITTER);
    expect(delays / DAY_SECONDS).toBeCloseTo(11);
    const attempts = (retries + 1) * States.Deliver.TimeoutSeconds;
    const parked = PARKING_WAITS_MS.reduce((sum, waitMs) => sum + waitMs / 1000, 0) * (1 + JITTER);
    const enrichment = ((3 * ENRICHMENT_RETRY_STEP_MS) / 1000) * (1 + JITTER) + 3 * States.Enrich.TimeoutSeconds;
    const longest = enrichment + delays + attempts + (retries + 1) * parked;
    expect(longest / DAY_SECONDS).toBeCloseTo(11.6, 1);
    // The time for which `Deliver` is retried if Lambda did not run it: docs/decisions/0007.
    const withoutFunction = 72 * 3600;
    expect(TimeoutSeconds).toBe(16 * DAY_SECONDS);
    expect(TimeoutSeconds - longest - withoutFunction).toBeGreaterThan(DAY_SECONDS);
  });
});

describe('rules', () => {
  const all = of('AWS::Events::Rule').map(({ Targets: [target, ...others], ...rule }) => {
    expect(others).toEqual([]);
    return { ...rule, ...target, by: flatten(target.Arn).slice(1, -'Function.Arn>'.length) };
  });
  const rules = all.filter(({ EventBusName }) => EventBusName === undefined);

  test('mail the details of parked and resumed integrations, from the stage’s bus', () => {
    const mails = all.filter(({ EventBusName }) => EventBusName !== undefined);
    expect(mails).toMatchObject([
      {
        EventPattern: {
          source: ['learning-time-webhooks'],
          'detail-type': ['integration.parked', 'integration.resumed'],
        },
        InputPath: '$.detail',
        RetryPolicy: { MaximumEventAgeInSeconds: 6 * 3600 },
      },
    ]);
    const [{ EventBusName, Arn, DeadLetterConfig }] = mails;
    expect([EventBusName, Arn, DeadLetterConfig.Arn].map(flatten)).toEqual([
      '<OperationalEventsBus>',
      '<OperationalEventsContacts>',
      '<OperationalEventsUndelivered.Arn>',
    ]);
  });

  test('invoke functions on schedules, and the rescue for every execution that does not succeed', () => {
    const schedules = rules.map(({ by, ScheduleExpression, Input }) => [by, ScheduleExpression, Input]);
    expect(schedules.toSorted()).toEqual([
      ['CertificateExpiry', 'rate(6 hours)', undefined],
      ['CredentialAge', 'rate(6 hours)', undefined],
      ['ReconcilerReconcile', 'rate(1 hour)', '{"incremental":true}'],
      ['RescueRescueExecution', undefined, undefined],
      ['RescueSweepExecutions', 'rate(15 minutes)', undefined],
      ['WarmCache', 'rate(15 minutes)', '{}'],
    ]);
    const [pattern, ...others] = rules.flatMap(({ EventPattern }) => EventPattern ?? []);
    expect(others).toEqual([]);
    expect(pattern).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [expect.objectContaining({})] },
    });
    expect(flatten(pattern.detail.stateMachineArn[0])).toBe('<RetryWorkflowStateMachine>');
  });

  test('the reconciler’s schedule sends an input that it takes', () => {
    const [{ Input }] = rules.filter(({ by }) => by === 'ReconcilerReconcile');
    expect(reconcileInputSchema.parse(JSON.parse(Input))).toMatchObject({
      incremental: true,
      in_flight_bound_seconds: 1800,
    });
  });

  test('an event that is not delivered, or fails three times within 6 hours, goes to the queue of its construct', () => {
    const invoked = of('AWS::Lambda::EventInvokeConfig').map((config) => {
      expect([config.MaximumRetryAttempts, config.MaximumEventAgeInSeconds]).toEqual([2, 6 * 3600]);
      return [
        flatten(config.FunctionName).slice(1, -'Function>'.length),
        config.DestinationConfig.OnFailure.Destination,
      ];
    });
    expect(invoked.map(([by]) => by).toSorted()).toEqual([...new Set(rules.map(({ by }) => by))].sort());
    for (const [by, queue] of [...invoked, ...rules.map(({ by, DeadLetterConfig }) => [by, DeadLetterConfig.Arn])]) {
      const [construct] = /^(Rescue|Reconciler|CredentialAge|CertificateExpiry|WarmCache)/.exec(by) ?? [];
      expect([by, flatten(queue)]).toEqual([by, `<${construct}Undelivered.Arn>`]);
    }
    for (const { RetryPolicy } of rules) expect(RetryPolicy.MaximumEventAgeInSeconds).toBe(6 * 3600);
  });
});

/** Queue ARNs for commands that move dead-letter messages back. */
const outputsOfPair = (name: string) => ({
  [`${name}QueueUrl`]: `<Queues${name}>`,
  [`${name}QueueArn`]: `<Queues${name}.Arn>`,
  [`${name}DeadLetterQueueUrl`]: `<Queues${name}DeadLetters>`,
  [`${name}DeadLetterQueueArn`]: `<Queues${name}DeadLetters.Arn>`,
});

test('the outputs for commands and guides', () => {
  const outputs = Object.entries(synthesize('dev').Outputs).map(([name, { Value }]) => [name, flatten(Value)]);
  expect(Object.fromEntries(outputs)).toEqual({
    EventsQueueUrl: '<QueuesEvents>',
    EventsQueueArn: '<QueuesEvents.Arn>',
    EventsDeadLetterQueueUrl: '<QueuesEventsDeadLetters>',
    ...outputsOfPair('Deliveries'),
    ...outputsOfPair('Outcomes'),
    RescueDeadLetterQueueUrl: '<RescueUndelivered>',
    LedgerTableName: '<LedgerTable>',
    LedgerPayloadDays: '30',
    LedgerFactsDays: '400',
    AlarmTopicArn: '<AlarmsTopic>',
    DashboardUrl:
      'https://<AWS::Region>.console.aws.amazon.com/cloudwatch/home?region=<AWS::Region>#dashboards:name=learning-time-webhooks-dev',
    ReconcileFunctionName: '<ReconcilerReconcileFunction>',
    ReconcileDeadLetterQueueUrl: '<ReconcilerUndelivered>',
    CredentialAgeDeadLetterQueueUrl: '<CredentialAgeUndelivered>',
    EventBusName: '<OperationalEventsBus>',
    ContactTopicArn: '<OperationalEventsContacts>',
    OperationalEventsDeadLetterQueueUrl: '<OperationalEventsUndelivered>',
    CertificateExpiryDeadLetterQueueUrl: '<CertificateExpiryUndelivered>',
    WarmCacheEnabled: 'true',
    WarmCacheFunctionName: '<WarmCacheFunction>',
    WarmCacheDeadLetterQueueUrl: '<WarmCacheUndelivered>',
    StatusApiUrl: '<StatusApi.ApiEndpoint>',
    MetricsTokenSecretName: '/dev/metrics-token',
    RetryWorkflowArn: '<RetryWorkflowStateMachine>',
    AppConfigApplicationId: '<ConfigurationApplication>',
    FlagsEnvironmentId: '<ConfigurationFlagsEnvironment>',
    FlagsProfileId: '<ConfigurationFlagsProfileConfigurationProfile>',
    IntegrationsEnvironmentId: '<ConfigurationIntegrationsEnvironment>',
    IntegrationsProfileId: '<ConfigurationIntegrationsProfileConfigurationProfile>',
    SnowflakeSecretName: '/dev/snowflake',
    IntegrationSecretsPrefix: '/dev/integrations/',
    SendTestFunctionName: '<DeliverySendTestFunction>',
    CheckWarehouseFunctionName: '<EnrichmentCheckWarehouseFunction>',
    EgressAddresses: '<NetworkEgress1.PublicIp>',
    AppConfigConsoleUrl:
      'https://<AWS::Region>.console.aws.amazon.com/systems-manager/appconfig/applications/' +
      '<ConfigurationApplication>?region=<AWS::Region>',
    FlagsStrategyId: '<ConfigurationStrategiesFlags>',
    IntegrationsStrategyId: '<ConfigurationStrategiesIntegrations>',
    EmergencyStrategyId: '<ConfigurationAllAtOnce>',
  });
  for (const output of Object.values(synthesize('dev').Outputs))
    expect(output).toHaveProperty('Description', expect.any(String));
});
