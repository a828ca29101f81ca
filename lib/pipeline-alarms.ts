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
 * Of five minutes each. When the ledger responds again, an outcome is settled within a quarter of an hour: that long a message
 * stays hidden that was received five times (`SUSPECT_VISIBILITY_SECONDS`).
 */
const OUTCOMES_PERIODS = 6;

export interface Watched {
  readonly queues: EventQueues;
  readonly workflow: RetryWorkflow;
  readonly network: Network;
  /** Functions that every event passes. */
  readonly readers: readonly PipelineFunction[];
  /** What the workflow delivers with. EnrichTask is throttled by design, and after an hour `fallbacks` shows it. */
  readonly deliverTask: PipelineFunction;
  /** Those that nobody looks on as they run: at most ten, as many metrics as an alarm takes. */
  readonly others: readonly PipelineFunction[];
  /** For what rules could not deliver. */
  readonly undelivered: readonly Queue[];
}

/**
 * Of queues, functions, workflow and ledger: what the pipeline itself stands on.
 *
 * @returns those that somebody is woken up for
 */
export function pipelineAlarms(make: AlarmMaker, watched: Watched): Alarm[] {
  const { queues, workflow, network, readers, deliverTask, others, undelivered } = watched;
  const { metrics } = make;
  const { stateMachine } = workflow;
  const backlog = make.alarm('backlog', {
    when: 'Over 10,000 events wait in the queue',
    impact: 'webhooks are late by as long as it takes to work them off',
    metric: queues.events.queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
    threshold: 10_000,
  });
  const errors = make.alarm('function-errors', {
    when: 'Functions that every event passes failed, for a quarter of an hour',
    impact: 'what they had in hand comes back after four minutes, and fails again',
    metric: sumOf(readers.map(({ lambda }) => lambda.metricErrors())),
    periods: 3,
  });
  const ledger = make.alarm('ledger-unavailable', {
    when: 'The ledger’s table did not answer, for a quarter of an hour',
    impact: 'webhooks go on, some twice; their outcomes wait in a queue',
    metric: metrics.sum(METRICS.ledgerUnavailable),
    periods: 3,
  });
  const ports = make.alarm('nat-ports', {
    when: 'A NAT gateway had no port left for a connection',
    impact: 'tries at partners and queries fail',
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
    impact: 'what it does is late: what is stuck is found later, a status is not told',
    metric: sumOf(
      others.map(({ lambda }) => lambda.metricErrors({ period: HOUR })),
      HOUR,
    ),
    threshold: 3,
  });
  make.notice('throttled-functions', {
    when: 'Functions that every event passes were throttled, for a quarter of an hour',
    impact: 'events wait: the account has no concurrency left',
    metric: sumOf(readers.map(({ lambda }) => lambda.metricThrottles())),
    periods: 3,
  });
  make.notice('throttled-deliveries', {
    when: 'DeliverTask was throttled, for a quarter of an hour',
    impact:
      'deliveries that must wait or are repeated are late, by up to 15 minutes each time; after 72 hours they are dead-lettered',
    metric: deliverTask.lambda.metricThrottles(),
    periods: 3,
  });
  make.notice('workflow-failures', {
    when: 'Executions of the workflow failed, ran out of time, or were stopped',
    impact: 'their deliveries are dead letters now, or were carried on',
    metric: sumOf([stateMachine.metricFailed(), stateMachine.metricTimedOut(), stateMachine.metricAborted()]),
  });
  make.notice('open-executions', {
    when: 'Over 10,000 executions are open in this account',
    impact: 'their webhooks wait for Snowflake or for partners',
    metric: new Metric({ namespace: 'AWS/States', metricName: 'OpenExecutionCount', statistic: Stats.MAXIMUM }),
    threshold: 10_000,
  });
  make.notice('throttled-starts', {
    when: 'Step Functions refused to start executions, for a quarter of an hour',
    impact: 'events that must wait stay in their queue, and come back after four minutes',
    metric: new Metric({
      namespace: 'AWS/States',
      metricName: 'ThrottledEvents',
      dimensionsMap: { APIName: 'StartExecution' },
      statistic: Stats.SUM,
    }),
    periods: 3,
  });
  make.notice('outcomes-waiting', {
    when: 'Outcomes wait for the ledger, for half an hour',
    impact: 'lists of the ledger lag behind, and the reconciler sends nothing that is stuck until they are settled',
    // The age of the oldest one would not do: SQS leaves out of it what was received three times.
    metric: sumOf([
      queues.outcomes.queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
      queues.outcomes.queue.metricApproximateNumberOfMessagesNotVisible({ statistic: Stats.MAXIMUM }),
    ]),
    periods: OUTCOMES_PERIODS,
  });
  make.notice('outcomes-lost', {
    when: 'Neither the ledger nor the outcomes queue took an outcome',
    impact: 'the reconciler may send these webhooks again, an hour or more later',
    metric: metrics.sum(METRICS.outcomeLost),
  });
  make.notice('ledger-unbalanced', {
    when: 'The ledger holds webhooks that nobody carries',
    impact: 'the reconciler sent them anew, late by an hour or more',
    metric: metrics.sum(METRICS.ledgerUnbalanced),
  });
  make.notice('timers-overdue', {
    when: 'Events that wait for their moment have been due for over an hour',
    impact: 'they are late, unless they were sent and only their timer was left behind',
    metric: metrics.percentile(METRICS.timerOverdue, Stats.MAXIMUM, HOUR),
  });
  make.notice('undelivered-events', {
    when: 'A rescue, or a run of the reconciler, failed for good',
    impact: 'a failed execution’s delivery may wait for the next sweep or run',
    metric: sumOf(
      undelivered.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM })),
    ),
  });
  return [backlog, errors, ledger, ports];
}
