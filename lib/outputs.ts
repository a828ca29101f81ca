import { Aws } from 'aws-cdk-lib';
import type { Alarms } from './alarms.ts';
import type { Configuration } from './configuration.ts';
import type { Dashboard } from './dashboard.ts';
import type { Delivery } from './delivery.ts';
import type { Enrichment } from './enrichment.ts';
import type { EventQueues } from './event-queues.ts';
import type { Ledger } from './ledger.ts';
import type { Network } from './network.ts';
import type { Reconciler } from './reconciler.ts';
import type { Rescue } from './rescue.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import type { Secrets } from './secrets.ts';
import type { StatusApi } from './status-api.ts';

export interface OutputSources {
  readonly queues: EventQueues;
  readonly network: Network;
  readonly secrets: Secrets;
  readonly configuration: Configuration;
  readonly enrichment: Enrichment;
  readonly delivery: Delivery;
  readonly workflow: RetryWorkflow;
  readonly rescue: Rescue;
  readonly ledger: Ledger;
  readonly reconciler: Reconciler;
  readonly statusApi: StatusApi;
  readonly alarms: Alarms;
  readonly dashboard: Dashboard;
}

/** What an operator needs after a deploy, by the output's name: the value, and what to do with it. */
export function stackOutputs(sources: OutputSources): Readonly<Record<string, readonly [string, string]>> {
  const { queues, network, secrets, configuration, delivery, workflow, rescue, ledger, reconciler } = sources;
  const { events, deliveries, outcomes } = queues;
  const { application, flags, integrations } = configuration;
  return {
    EventsQueueUrl: [events.queue.queueUrl, 'The LMS sends its events here'],
    EventsQueueArn: [events.queue.queueArn, 'For the publisher’s own policy: allow sqs:SendMessage on it'],
    EgressAddresses: [
      network.egressAddresses,
      'Every request comes from these: for partners’ allow-lists and the Snowflake user’s network policy',
    ],
    SnowflakeSecretName: [
      secrets.snowflakeSecretName,
      'Empty until you fill it: aws secretsmanager put-secret-value, JSON of account, user and private_key',
    ],
    IntegrationSecretsPrefix: [
      secrets.integrationSecretsPrefix,
      'With an integration’s id after it, the name of its secret: ./ltw integration add makes it',
    ],
    AppConfigConsoleUrl: [
      `https://${Aws.REGION}.console.aws.amazon.com/systems-manager/appconfig/applications/${application.applicationId}?region=${Aws.REGION}`,
      'Here integrations are added, and the rollout is set (profiles integrations and flags)',
    ],
    AppConfigApplicationId: [application.applicationId, 'For aws appconfig --application-id'],
    FlagsEnvironmentId: [flags.environment.environmentId, 'Where versions of the flag are deployed to'],
    FlagsProfileId: [flags.profile.configurationProfileId, 'Holds the flag: off until you deploy another version'],
    FlagsStrategyId: [configuration.strategies.flags, 'For deployments of the flag'],
    IntegrationsEnvironmentId: [
      integrations.environment.environmentId,
      'Where versions of the integrations are deployed to',
    ],
    IntegrationsProfileId: [
      integrations.profile.configurationProfileId,
      'Holds the partners’ endpoints: none until you deploy another version',
    ],
    IntegrationsStrategyId: [configuration.strategies.integrations, 'For deployments of the integrations'],
    EmergencyStrategyId: [configuration.strategies.emergency, 'At once, without a bake time: to switch something off'],
    EventsDeadLetterQueueUrl: [events.deadLetters.queueUrl, 'Events that could not be read: should stay empty'],
    DeliveriesQueueUrl: [deliveries.queue.queueUrl, 'Webhooks on their way to partners'],
    DeliveriesQueueArn: [deliveries.queue.queueArn, 'Where ./ltw redrive moves dead letters to: its DestinationArn'],
    DeliveriesDeadLetterQueueUrl: [
      deliveries.deadLetters.queueUrl,
      'Webhooks that were given up, each with its reason: ./ltw redrive sends them anew',
    ],
    DeliveriesDeadLetterQueueArn: [
      deliveries.deadLetters.queueArn,
      'Where ./ltw redrive moves dead letters from: its SourceArn',
    ],
    OutcomesQueueUrl: [outcomes.queue.queueUrl, 'Outcomes that the ledger did not take: settled as soon as it does'],
    OutcomesQueueArn: [outcomes.queue.queueArn, 'Where its dead letters are moved back to: a DestinationArn'],
    OutcomesDeadLetterQueueUrl: [
      outcomes.deadLetters.queueUrl,
      'Outcomes that could not be settled for three days: should stay empty',
    ],
    OutcomesDeadLetterQueueArn: [
      outcomes.deadLetters.queueArn,
      'For aws sqs start-message-move-task: its SourceArn, to have them settled after all',
    ],
    RescueDeadLetterQueueUrl: [rescue.undelivered.queueUrl, 'Failed rescues: should stay empty'],
    LedgerTableName: [
      ledger.table.tableName,
      'What became of every webhook: ./ltw ledger reads it, ./ltw replay sends again what it holds',
    ],
    LedgerPayloadDays: [String(ledger.held.payloadDays), 'So long the ledger holds events and how refusals begin'],
    LedgerFactsDays: [String(ledger.held.factsDays), 'So long it holds the facts without them'],
    ReconcileFunctionName: [
      reconciler.reconcile.lambda.functionName,
      'Balances the ledger every hour: ./ltw reconcile invokes it, with your credentials',
    ],
    ReconcileDeadLetterQueueUrl: [
      reconciler.undelivered.queueUrl,
      'Runs of the reconciler that failed: should stay empty; the next one makes up for them',
    ],
    SendTestFunctionName: [
      delivery.sendTest.lambda.functionName,
      'Sends a partner one test event: ./ltw send-test invokes it, with your credentials',
    ],
    CheckWarehouseFunctionName: [
      sources.enrichment.checkWarehouse.lambda.functionName,
      'Tries login, grants and columns in Snowflake: ./ltw check-warehouse invokes it, with your credentials',
    ],
    StatusApiUrl: [
      sources.statusApi.url,
      'Answers whether the feature is on, for whom and why: /operations/v1/features/status with your credentials',
    ],
    MetricsTokenSecretName: [
      secrets.metricsTokenName,
      'Holds the token that Prometheus shows to GET /metrics of the status API: generated, put another one in to replace it',
    ],
    DashboardUrl: [
      `https://${Aws.REGION}.console.aws.amazon.com/cloudwatch/home?region=${Aws.REGION}#dashboards:name=${sources.dashboard.name}`,
      'How partners are served, and what holds webhooks up',
    ],
    AlarmTopicArn: [
      sources.alarms.topic.topicArn,
      'Who is told of alarms: subscribe whoever is on call, or deploy with -c alarmEmails=…',
    ],
    RetryWorkflowArn: [workflow.stateMachine.stateMachineArn, 'What waits or is tried again: its running executions'],
  };
}
