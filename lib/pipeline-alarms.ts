import { Duration } from 'aws-cdk-lib';
import { type Alarm, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { METRICS } from '../lambdas/shared/metric-definitions.ts';
import type { AlarmMaker } from './alarm-maker.ts';
import type { EventQueues } from './event-queues.ts';
import type { Network } from './network.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import { sumOf } from './stage-metrics.ts';

const HOUR = Duration.hours(1);

/**
 * Periods of five minutes. When the ledger responds again, an outcome is settled within 15 minutes, the visibility timeout of a
 * message that was received five times (`SUSPECT_VISIBILITY_SECONDS`).
 */
const OUTCOMES_PERIODS = 6;

export interface Watched {
  readonly queues: EventQueues;
  readonly workflow: RetryWorkflow;
  readonly network: Network;
  /** EnrichBatch and DeliverBatch, which every event passes. */
  readonly readers: readonly PipelineFunction[];
  /** Not EnrichTask: it is throttled by design, and after an hour `fallbacks` shows that. */
  readonly deliverTask: PipelineFunction;
  /** Its errors are part of `warm-late`. */
  readonly warmCache: PipelineFunction;
  /** All functions without another alarm: at most ten, CloudWatch's limit for metrics of one alarm. */
  readonly others: readonly PipelineFunction[];
  /** Queues of events that EventBridge rules could not deliver. */
  readonly undelivered: readonly Queue[];
}

/**
 * Alarms on queues, functions, workflow and ledger.
 *
 * @returns those that belong to a page
 */
export function pipelineAlarms(make: AlarmMaker, watched: Watched): Alarm[] {
  const { queues, workflow, network, readers, deliverTask, others, undelivered } = watched;
  const { metrics } = make;
  const { stateMachine } = workflow;
  const backlog = make.alarm('backlog', {
    when: 'Over 10,000 events wait in the queue',
    impact: 'webhooks are late until the backlog is processed',
    metric: queues.events.queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
    threshold: 10_000,
  });
  const errors = make.alarm('function-errors', {
    when: 'EnrichBatch or DeliverBatch failed, for 15 minutes',
    impact: 'SQS redelivers the messages after four minutes, and they fail again',
    metric: sumOf(readers.map(({ lambda }) => lambda.metricErrors())),
    periods: 3,
  });
  const ledger = make.alarm('ledger-unavailable', {
    when: 'The ledger’s table did not respond, for 15 minutes',
    impact: 'webhooks are delivered, some twice; their outcomes wait in a queue',
    metric: metrics.sum(METRICS.ledgerUnavailable),
    periods: 3,
  });
  const ports = make.alarm('nat-ports', {
    when: 'A NAT gateway had no free port for a connection',
    impact: 'delivery attempts and queries fail',
    metric: sumOf(
      network.natGatewayIds.map(
        (NatGatewayId) =>
          new Metric({
            namespace: 'AWS/NATGateway',
            metricName: 'ErrorPortAllocation',
            dimensionsMap: { NatGatewayId },
            statistic: Stats.SUM,
          }),
      ),
    ),
  });
  make.notice('failing-functions', {
    when: 'Functions of the workflow, the rescue, the reconciler or the status API failed more than three times in an hour',
    impact: 'their work is late: stuck deliveries are found later, status requests fail',
    metric: sumOf(
      others.map(({ lambda }) => lambda.metricErrors({ period: HOUR })),
      HOUR,
    ),
    threshold: 3,
  });
  make.notice('throttled-functions', {
    when: 'EnrichBatch or DeliverBatch was throttled, for 15 minutes',
    impact: 'events wait, since the account has no concurrency left',
    metric: sumOf(readers.map(({ lambda }) => lambda.metricThrottles())),
    periods: 3,
  });
  make.notice('throttled-deliveries', {
    when: 'DeliverTask was throttled, for 15 minutes',
    impact:
      'scheduled deliveries and retries are late, by up to 15 minutes each time; after 72 hours they are dead-lettered',
    metric: deliverTask.lambda.metricThrottles(),
    periods: 3,
  });
  make.notice('workflow-failures', {
    when: 'Executions of the workflow failed, ran out of time, or were stopped',
    impact: 'their deliveries were dead-lettered or continued by the rescue',
    metric: sumOf([stateMachine.metricFailed(), stateMachine.metricTimedOut(), stateMachine.metricAborted()]),
  });
  make.notice('open-executions', {
    when: 'Over 10,000 executions are open in this account',
    impact: 'their webhooks wait for Snowflake or for partners',
    metric: new Metric({ namespace: 'AWS/States', metricName: 'OpenExecutionCount', statistic: Stats.MAXIMUM }),
    threshold: 10_000,
  });
  make.notice('throttled-starts', {
    when: 'Step Functions throttled the start of executions, for 15 minutes',
    impact: 'events that need the workflow stay in their queue and are redelivered after four minutes',
    metric: new Metric({
      namespace: 'AWS/States',
      metricName: 'ThrottledEvents',
      dimensionsMap: { APIName: 'StartExecution' },
      statistic: Stats.SUM,
    }),
    periods: 3,
  });
  make.notice('outcomes-waiting', {
    when: 'Outcomes wait for the ledger, for 30 minutes',
    impact: 'lists of the ledger are out of date, and the reconciler resends no stuck webhook until they are settled',
    // Not the age of the oldest message: SQS excludes messages that were received three times.
    metric: sumOf([
      queues.outcomes.queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
      queues.outcomes.queue.metricApproximateNumberOfMessagesNotVisible({ statistic: Stats.MAXIMUM }),
    ]),
    periods: OUTCOMES_PERIODS,
  });
  make.notice('outcomes-lost', {
    when: 'Neither the ledger nor the outcomes queue accepted an outcome',
    impact: 'the reconciler may resend these webhooks, an hour or more later',
    metric: metrics.sum(METRICS.outcomeLost),
  });
  make.notice('operational-events-failed', {
    when: 'EventBridge did not accept an operational event',
    impact:
      'rules on the event bus do not see it; mails about parking are sent by the next run of the reconciler, and no delivery is affected',
    metric: metrics.sum(METRICS.operationalEventFailed),
  });
  make.notice('ledger-unbalanced', {
    when: 'The ledger holds open webhooks that are in no queue and no execution',
    impact: 'the reconciler resent them, late by an hour or more',
    metric: metrics.sum(METRICS.ledgerUnbalanced),
  });
  make.notice('reconciler-behind', {
    when: 'The reconciler has not listed what was accepted two hours ago, or not read all open deliveries for two hours',
    impact: 'stuck webhooks are found and parked ones are released late',
    metric: metrics.percentile(METRICS.ledgerBehind, Stats.MAXIMUM, HOUR),
    threshold: Duration.hours(2).toSeconds(),
  });
  make.notice('timers-overdue', {
    when: 'Scheduled events have been due for over an hour',
    impact: 'they are late, or they were sent and only their timer was left behind',
    metric: metrics.percentile(METRICS.timerOverdue, Stats.MAXIMUM, HOUR),
  });
  make.notice('undelivered-events', {
    when: 'A rescue, a run of the reconciler or of WarmCache, the reading of the credential’s age or of client certificates, or a mail to contacts failed after all retries',
    impact:
      'the delivery of a failed execution may wait for the next sweep or run, an old credential or certificate is not reported, and contacts do not learn that an integration was parked or resumed',
    metric: sumOf(
      undelivered.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM })),
    ),
  });
  return [backlog, errors, ledger, ports];
}
