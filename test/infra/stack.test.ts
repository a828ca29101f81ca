import { describe, expect, test } from '@jest/globals';
import type * as z from 'zod';
import { PARKING_WAITS_MS } from '../../lambdas/delivery/parking.ts';
import { MAX_EXECUTION_DAYS } from '../../lambdas/events/delivery.ts';
import { ENRICHMENT_RETRY_STEP_MS, JITTER } from '../../lambdas/events/retry-timing.ts';
import { reconcileInputSchema } from '../../lambdas/ledger/reconciliation.ts';
import { LEDGER_TABLE } from '../../lambdas/ledger/record.ts';
import { integrationSchema } from '../../lambdas/partners/integration.ts';
import * as environment from '../../lambdas/shared/environment.ts';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { slowEndpointAttempts } from '../../lib/delivery.ts';
import { flatten, onlyResource, resourcesOf, synthesize, workflowDefinition } from '../support/synthesized-stack.ts';

const template = synthesize('local');
const dev = synthesize('dev');

const SCHEMAS: Readonly<Record<string, z.ZodObject>> = {
  'enrich-batch.handler': environment.enrichBatchEnvironment,
  'enrich-task.handler': environment.enrichTaskEnvironment,
  'check-warehouse.handler': environment.checkWarehouseEnvironment,
  'deliver-batch.handler': environment.deliverBatchEnvironment,
  'deliver-task.handler': environment.deliverTaskEnvironment,
  'send-test.handler': environment.sendTestEnvironment,
  'rescue-execution.handler': environment.rescueExecutionEnvironment,
  'sweep-executions.handler': environment.sweepExecutionsEnvironment,
  'credential-age.handler': environment.credentialAgeEnvironment,
  'reconcile.handler': environment.reconcileEnvironment,
  'settle-outcomes.handler': environment.settleOutcomesEnvironment,
  'feature-status.handler': environment.featureStatusEnvironment,
  'webhook-health.handler': environment.webhookHealthEnvironment,
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
  WAREHOUSE_FAILURES_TO_OPEN: '3',
  WAREHOUSE_OPEN_SECONDS: '10',
  WAREHOUSE_SLOW_SECONDS: '8',
};

/** Functions that call partners. */
const DELIVERING = ['deliver-batch.handler', 'deliver-task.handler', 'send-test.handler'];

function functionProperties(handler: string, from = template) {
  const found = resourcesOf(from, 'AWS::Lambda::Function').find(([, { Properties }]) => Properties.Handler === handler);
  if (found === undefined) throw new Error(`no function ${handler}`);
  return found[1].Properties;
}

function queue(name: string) {
  const found = resourcesOf(template, 'AWS::SQS::Queue').find(([id]) => id.slice(0, -8) === name);
  if (found === undefined) throw new Error(`no queue ${name}`);
  return found[1].Properties;
}

describe('queues', () => {
  const deadLetterQueue = { MessageRetentionPeriod: 14 * 24 * 3600, SqsManagedSseEnabled: true };

  test.each(['QueuesEvents', 'QueuesDeliveries', 'QueuesOutcomes'])(
    '%s retains messages for 4 days, dead-letter messages for 14, and dead-letters by count after 1,000 receives',
    (name) => {
      const properties = queue(name);
      expect(properties).toMatchObject({ MessageRetentionPeriod: 4 * 24 * 3600, SqsManagedSseEnabled: true });
      expect(properties.RedrivePolicy.maxReceiveCount).toBe(1000);
      expect(flatten(properties.RedrivePolicy.deadLetterTargetArn)).toBe(`<${name}DeadLetters.Arn>`);
      expect(queue(`${name}DeadLetters`)).toEqual(deadLetterQueue);
    },
  );

  test.each(['RescueUndelivered', 'ReconcilerUndelivered', 'CredentialAgeUndelivered'])(
    '%s retains messages for 14 days',
    (name) => {
      expect(queue(name)).toEqual(deadLetterQueue);
    },
  );

  // How many batches run in parallel: stages.test.ts.
  test('have the stage’s batches with partial failures, and a visibility timeout of six function timeouts and the window', () => {
    const sources = resourcesOf(template, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => {
      const { FunctionName, EventSourceArn, BatchSize, MaximumBatchingWindowInSeconds: window } = Properties;
      const reader = template.Resources[FunctionName.Ref]?.Properties;
      const read = template.Resources[EventSourceArn['Fn::GetAtt'][0]]?.Properties;
      expect(read.VisibilityTimeout).toBe(6 * reader.Timeout + window);
      expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      return [flatten(EventSourceArn), flatten(FunctionName), BatchSize, window];
    });
    expect(sources).toEqual([
      ['<QueuesEvents.Arn>', '<EnrichmentEnrichBatchFunction>', 100, 1],
      ['<QueuesDeliveries.Arn>', '<DeliveryDeliverBatchFunction>', 10, 0],
      ['<QueuesOutcomes.Arn>', '<OutcomesSettleOutcomesFunction>', 10, 0],
    ]);
  });
});

describe('functions', () => {
  test('are these, without any of CDK’s own', () => {
    const handlers = resourcesOf(template, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties.Handler);
    expect(handlers.sort()).toEqual([...HANDLERS].sort());
  });

  test('each runs on Node 24 and Arm, is traced, and has its own role and log group', () => {
    const all = HANDLERS.map((handler) => functionProperties(handler));
    for (const one of all) {
      expect(one).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
      });
    }
    expect(new Set(all.map(({ Role }) => flatten(Role))).size).toBe(HANDLERS.length);
    expect(new Set(all.map(({ LoggingConfig }) => LoggingConfig.LogGroup.Ref)).size).toBe(HANDLERS.length);
  });

  test('functions that call the cache, the warehouse or partners run in the VPC', () => {
    const inside = HANDLERS.filter((handler) => functionProperties(handler).VpcConfig !== undefined);
    expect(inside).toEqual(HANDLERS.slice(0, 6));
  });

  test.each(HANDLERS)('%s has the variables of its schema and no others', (handler) => {
    const schema = SCHEMAS[handler] as z.ZodObject;
    const { Variables } = functionProperties(handler).Environment;
    const forRuntime = {
      IO_DEADLINE_FACTOR: '10',
      ...('SNOWFLAKE_WAREHOUSE' in schema.shape && SNOWFLAKE_SDK_VARIABLES),
      // 2 s times ten, for clients that cannot set the connect timeout per address.
      ...(HANDLERS.indexOf(handler) < 6 && { NODE_OPTIONS: '--network-family-autoselection-attempt-timeout=20000' }),
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
    expect(() => environment.readEnvironment(schema, Object.fromEntries(known))).not.toThrow();
  });

  test('a variable has the same value in every function', () => {
    for (const handler of HANDLERS) {
      const { Variables } = functionProperties(handler).Environment;
      const meant = Object.fromEntries(
        Object.entries(Variables).flatMap(([name, value]) =>
          name in MEANINGS || typeof value !== 'string' ? [[name, flatten(value)]] : [],
        ),
      );
      const expected = Object.fromEntries(Object.keys(meant).map((name) => [name, MEANINGS[name]]));
      expect({ handler, ...meant }).toEqual({ handler, ...expected });
    }
  });

  test.each(['enrich-batch', 'enrich-task', 'check-warehouse'])('%s has its name in the query tag', (name) => {
    const { SNOWFLAKE_QUERY_TAG } = functionProperties(`${name}.handler`).Environment.Variables;
    expect(SNOWFLAKE_QUERY_TAG).toBe(`learning-time-webhooks/local/${name}`);
  });

  test('only the stage local has a cache without TLS', () => {
    for (const handler of ['enrich-task.handler', 'deliver-task.handler']) {
      expect(functionProperties(handler).Environment.Variables.CACHE_TLS).toBe('false');
      expect(functionProperties(handler, dev).Environment.Variables.CACHE_TLS).toBe('true');
    }
  });

  // dev and local reserve nothing: a new account has a concurrency of 10.
  test.each([
    ['prod', '10', '70'],
    ['staging', '2', '20'],
    ['dev', '2', '14'],
    ['local', '2', '20'],
  ])(
    'in %s one slow endpoint may use %s of DeliverTask’s concurrency, and %s environments may send',
    (stage, slow, sending) => {
      const synthesized = synthesize(stage);
      for (const handler of ['deliver-batch.handler', 'deliver-task.handler']) {
        expect(functionProperties(handler, synthesized).Environment.Variables).toMatchObject({
          SLOW_ENDPOINT_ATTEMPTS: slow,
          SENDING_ENVIRONMENTS: sending,
        });
      }
    },
  );

  test('a slow endpoint may always have one attempt', () => {
    expect(slowEndpointAttempts({ timeoutSeconds: 330, memoryMegabytes: 256, reservedConcurrency: 1 })).toBe(1);
  });

  test('recursive loops are allowed for functions that send to their own queue only', () => {
    const allowed = resourcesOf(template, 'AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties.RecursiveLoop,
    );
    expect(allowed.map(([, { Properties }]) => [Properties.Handler, Properties.RecursiveLoop])).toEqual([
      ['deliver-batch.handler', 'Allow'],
    ]);
    const sendsToOwn = resourcesOf(template, 'AWS::Lambda::EventSourceMapping').filter(([, { Properties }]) => {
      const role = flatten(template.Resources[Properties.FunctionName.Ref]?.Properties.Role).replace('.Arn>', '>');
      return resourcesOf(template, 'AWS::IAM::Policy').some(
        ([, { Properties: policy }]) =>
          policy.Roles.map(flatten).includes(role) &&
          policy.PolicyDocument.Statement.some(
            ({ Action, Resource }: { Action: unknown; Resource: unknown }) =>
              [Action].flat().includes('sqs:SendMessage') &&
              [Resource].flat().map(flatten).includes(flatten(Properties.EventSourceArn)),
          ),
      );
    });
    expect(sendsToOwn.map(([, { Properties }]) => flatten(Properties.FunctionName))).toEqual([
      '<DeliveryDeliverBatchFunction>',
    ]);
  });
});

function exampleOf(name: string): string {
  if (name === 'CACHE_PORT') return '6379';
  return name.endsWith('_URL') ? 'https://sqs.us-east-1.amazonaws.com/000000000000/queue' : 'a-reference';
}

describe('what the template does not contain', () => {
  test('the Snowflake secret has no value, so that no deploy resets it, and integrations have no secrets', () => {
    const secrets = resourcesOf(template, 'AWS::SecretsManager::Secret').map(([, { Properties }]) => Properties);
    const snowflake = secrets.find(({ Name }) => Name === '/local/snowflake');
    expect(snowflake).toEqual({ Name: '/local/snowflake', Description: expect.any(String) });
    expect(secrets.map(({ Name }) => Name).sort()).toEqual(['/local/metrics-token', '/local/snowflake']);
  });

  test('the workflow’s log has no execution data', () => {
    const { LoggingConfiguration, TracingConfiguration } = onlyResource(
      template,
      'AWS::StepFunctions::StateMachine',
    ).Properties;
    expect(LoggingConfiguration).toMatchObject({ Level: 'ERROR', IncludeExecutionData: false });
    const logGroup = LoggingConfiguration.Destinations[0].CloudWatchLogsLogGroup.LogGroupArn['Fn::GetAtt'][0];
    expect(template.Resources[logGroup]?.Properties.LogGroupName).toMatch(/^\/aws\/vendedlogs\/states\//);
    expect(TracingConfiguration).toEqual({ Enabled: true });
  });

  test('definition and execution data are encrypted with the stack’s own key, which rotates', () => {
    const { StateMachineName, EncryptionConfiguration } = onlyResource(
      template,
      'AWS::StepFunctions::StateMachine',
    ).Properties;
    expect(StateMachineName).toBe('learning-time-webhooks-local');
    expect(EncryptionConfiguration.Type).toBe('CUSTOMER_MANAGED_KMS_KEY');
    expect(flatten(EncryptionConfiguration.KmsKeyId)).toBe('<RetryWorkflowKey.Arn>');
    expect(onlyResource(template, 'AWS::KMS::Key').Properties.EnableKeyRotation).toBe(true);
    expect(onlyResource(template, 'AWS::KMS::Alias').Properties.AliasName).toBe(
      'alias/learning-time-webhooks-local-executions',
    );
  });
});

describe('the cache', () => {
  test('is serverless Valkey in private subnets, with cost limits', () => {
    expect(onlyResource(template, 'AWS::ElastiCache::ServerlessCache').Properties).toMatchObject({
      Engine: 'valkey',
      CacheUsageLimits: { DataStorage: { Maximum: 1, Unit: 'GB' }, ECPUPerSecond: { Maximum: 5000 } },
    });
  });

  test('accepts the enriching and delivering functions, except SendTest, on its two ports', () => {
    const ingress = resourcesOf(template, 'AWS::EC2::SecurityGroupIngress').map(([, { Properties }]) => [
      flatten(Properties.GroupId),
      flatten(Properties.SourceSecurityGroupId),
      `${Properties.FromPort}-${Properties.ToPort}`,
    ]);
    expect(ingress.sort()).toEqual([
      ['<CacheSecurityGroup.GroupId>', '<DeliveryDeliverBatchFunctionSecurityGroup.GroupId>', '6379-6380'],
      ['<CacheSecurityGroup.GroupId>', '<DeliveryDeliverTaskFunctionSecurityGroup.GroupId>', '6379-6380'],
      ['<CacheSecurityGroup.GroupId>', '<EnrichmentEnrichBatchFunctionSecurityGroup.GroupId>', '6379-6380'],
      ['<CacheSecurityGroup.GroupId>', '<EnrichmentEnrichTaskFunctionSecurityGroup.GroupId>', '6379-6380'],
    ]);
  });
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
      HANDLERS.flatMap((handler) => functionProperties(handler).VpcConfig?.SubnetIds ?? []).map(flatten),
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

/** Rules that invoke a construct's functions, and the configuration for failed invocations. */
function invokedOf(construct: string) {
  const ofConstruct = (type: string) =>
    resourcesOf(template, type)
      .filter(([id]) => id.startsWith(construct))
      .map(([, { Properties }]) => Properties);
  return { rules: ofConstruct('AWS::Events::Rule'), invocations: ofConstruct('AWS::Lambda::EventInvokeConfig') };
}

describe('the rescue', () => {
  const { rules } = invokedOf('Rescue');

  test('is invoked for every execution that does not succeed', () => {
    const rule = rules.find(({ EventPattern }) => EventPattern !== undefined);
    expect(rule.EventPattern).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [expect.objectContaining({})] },
    });
    expect(flatten(rule.EventPattern.detail.stateMachineArn[0])).toBe('<RetryWorkflowStateMachine>');
    expect(flatten(rule.Targets[0].Arn)).toBe('<RescueRescueExecutionFunction.Arn>');
  });

  test('sweeps every 15 minutes', () => {
    const rule = rules.find(({ ScheduleExpression }) => ScheduleExpression !== undefined);
    expect(rule.ScheduleExpression).toBe('rate(15 minutes)');
    expect(flatten(rule.Targets[0].Arn)).toBe('<RescueSweepExecutionsFunction.Arn>');
  });
});

describe('the reconciler', () => {
  const { rules } = invokedOf('Reconciler');

  test('runs every hour with the default days, and every day for longer than an execution may last', () => {
    const runs = rules.map(({ ScheduleExpression, Targets: [target, ...others] }) => {
      expect(others).toEqual([]);
      expect(flatten(target.Arn)).toBe('<ReconcilerReconcileFunction.Arn>');
      return [ScheduleExpression, JSON.parse(target.Input)];
    });
    expect(runs).toEqual([
      ['rate(1 hour)', {}],
      ['rate(1 day)', { days: 31 }],
    ]);
    for (const [, input] of runs) expect(reconcileInputSchema.safeParse(input).success).toBe(true);
    expect(31).toBeGreaterThan(MAX_EXECUTION_DAYS);
    expect(reconcileInputSchema.parse({})).toMatchObject({ in_flight_bound_seconds: 1800, days: 4 });
  });
});

test.each([
  ['Rescue', 2, 2],
  ['Reconciler', 2, 1],
  ['CredentialAge', 1, 1],
])(
  '%s receives undelivered events, and invocations that failed three times within 6 hours',
  (construct, all, functions) => {
    const { rules, invocations } = invokedOf(construct);
    const undelivered = `<${construct}Undelivered.Arn>`;
    expect(rules).toHaveLength(all);
    for (const { Targets } of rules) expect(flatten(Targets[0].DeadLetterConfig.Arn)).toBe(undelivered);
    expect(invocations).toHaveLength(functions);
    for (const { MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig } of invocations) {
      expect([MaximumRetryAttempts, MaximumEventAgeInSeconds]).toEqual([2, 6 * 3600]);
      expect(flatten(DestinationConfig.OnFailure.Destination)).toBe(undelivered);
    }
  },
);

/** Queue ARNs for commands that move dead-letter messages back. */
const outputsOfPair = (name: string) => ({
  [`${name}QueueUrl`]: `<Queues${name}>`,
  [`${name}QueueArn`]: `<Queues${name}.Arn>`,
  [`${name}DeadLetterQueueUrl`]: `<Queues${name}DeadLetters>`,
  [`${name}DeadLetterQueueArn`]: `<Queues${name}DeadLetters.Arn>`,
});

test('the outputs for commands and guides', () => {
  const outputs = Object.entries(dev.Outputs).map(([name, { Value }]) => [name, flatten(Value)]);
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
  for (const output of Object.values(dev.Outputs)) expect(output).toHaveProperty('Description', expect.any(String));
});
