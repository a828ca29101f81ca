import { Aws, Duration } from 'aws-cdk-lib';
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type GraphWidgetProps,
  GraphWidgetView,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { KINDS } from '../lambdas/events/event-types/event-types.ts';
import {
  type CountName,
  type DimensionedName,
  METRICS,
  type MeasureName,
  metricsNamespace,
} from '../lambdas/shared/metric-definitions.ts';
import type { EventQueues, QueuePair } from './event-queues.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import { DELIVERED, StageMetrics } from './stage-metrics.ts';
import type { Stage } from './stage-schema.ts';

export interface DashboardProps {
  readonly stage: Stage;
  readonly queues: EventQueues;
  readonly workflow: RetryWorkflow;
  /** By label. */
  readonly functions: Readonly<Record<string, PipelineFunction>>;
}

const PERIOD = Duration.minutes(5);
/** Of a dashboard's 24 columns. */
const THIRD = { width: 8, height: 6 } as const;
const HALF = { width: 12, height: 6 } as const;
const FULL = { width: 24, height: 1 } as const;

/**
 * The panels of requirement T11 and the delivery health of W5, also by kind of event. Below them is what delays webhooks:
 * queues, workflow, limits and circuit breakers, and functions.
 */
export class Dashboard extends Construct {
  private readonly metrics: StageMetrics;
  private readonly namespace: string;

  constructor(scope: Construct, id: string, { stage, queues, workflow, functions }: DashboardProps) {
    super(scope, id);
    this.metrics = new StageMetrics(stage.name);
    this.namespace = metricsNamespace(stage.name);
    const name = `learning-time-webhooks-${stage.name}`;
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      dashboardName: name,
      defaultInterval: Duration.hours(3),
    });
    for (const row of [
      [heading(`Learning-time webhooks, ${stage.name}: deliveries`)],
      this.health(),
      this.kinds(),
      [heading('Learning time')],
      this.learningTime(),
      this.warming(),
      this.enrichment(),
      [heading('What delays webhooks')],
      waiting(queues),
      this.workflowAndLimits(workflow),
      [heading('Functions, ledger, cost')],
      this.functions(functions),
    ]) {
      dashboard.addWidgets(...row);
    }
    stackOutputs(this, {
      DashboardUrl: [
        `https://${Aws.REGION}.console.aws.amazon.com/cloudwatch/home?region=${Aws.REGION}#dashboards:name=${name}`,
        'Deliveries to partners, and what delays them',
      ],
    });
  }

  /** Requirement W5: success rate, results, and failures by partner. */
  private health(): IWidget[] {
    const success = new MathExpression({
      expression: '100 - failures',
      usingMetrics: { failures: this.metrics.failedAttempts({ fewest: 1 }) },
      label: 'successful attempts, %',
      period: PERIOD,
    });
    return [
      graph('Success rate of attempts (warning under 90, critical under 80)', [success], {
        leftYAxis: { min: 0, max: 100 },
        leftAnnotations: [{ value: 90 }, { value: 80 }],
      }),
      graph('Webhook delivery status', this.sums(DELIVERED), { stacked: true }),
      graph('Failed attempts by partner', [this.byIntegration(METRICS.deliveryFailure)]),
    ];
  }

  /** A new kind needs a deploy, so the metrics are listed. */
  private kinds(): IWidget[] {
    const each = (name: typeof METRICS.kindSuccess | typeof METRICS.kindFailure) =>
      KINDS.map((kind) => this.metrics.sum(name, PERIOD, { kind }));
    // Measured once an hour.
    const timers = [METRICS.timerWaiting, METRICS.timerOverdue].map((name) =>
      this.metrics.percentile(name, Stats.MAXIMUM, Duration.hours(1)),
    );
    return [
      graph('Attempts by kind of event: successful', each(METRICS.kindSuccess), { stacked: true }),
      graph('Attempts by kind of event: failed; critical webhooks dead-lettered', each(METRICS.kindFailure), {
        right: this.sums([METRICS.criticalDead]),
      }),
      graph('Scheduled events', timers, {
        right: this.sums([METRICS.timerMoved, METRICS.timerCancelled]),
      }),
    ];
  }

  private learningTime(): IWidget[] {
    const [all, fallbacks] = [METRICS.deliveredWithLearningTime, METRICS.enrichmentFallback];
    return [
      graph('Snowflake query performance, ms', this.percentiles(METRICS.queryDuration), {
        leftAnnotations: [{ value: 5000, label: 'T9, p95' }],
      }),
      this.shareOf('Cache hit rate, % (target: over 80)', 'cache hits, %', METRICS.cacheHit, METRICS.cacheMiss),
      this.shareOf('Enrichment success rate, % (target: over 95)', 'of enrichable webhooks, %', all, fallbacks),
    ];
  }

  /** Measured every 15 minutes. */
  private warming(): IWidget[] {
    const latest = (name: MeasureName) => this.metrics.percentile(name, Stats.MAXIMUM, Duration.minutes(15));
    const ends = [METRICS.warmComplete, METRICS.warmIncomplete, METRICS.warmShrunk, METRICS.warmUnreadable];
    return [
      graph('Entries of the last complete warm run', [latest(METRICS.warmEntries)], {
        right: [latest(METRICS.warmReadThrough)],
      }),
      graph('Age of the table’s version in the cache, s; 1: behind the table', [latest(METRICS.warmAge)], {
        right: [latest(METRICS.warmBehind)],
      }),
      graph('Warm runs by their end, and rows skipped', this.sums(ends)),
    ];
  }

  private enrichment(): IWidget[] {
    const errors = [
      METRICS.queryFailure,
      METRICS.querySkipped,
      METRICS.eventRejected,
      METRICS.deliveryRetry,
      METRICS.deliveryDead,
      METRICS.ledgerUnavailable,
    ];
    const queries = [METRICS.querySuccess, METRICS.queryFailure, METRICS.querySkipped];
    return [
      graph('Errors by type', this.sums(errors), { view: GraphWidgetView.PIE, setPeriodToTimeRange: true }),
      graph('Queries, and those that the circuit breaker rejected', this.sums(queries)),
      graph('Completion to webhook, ms', this.percentiles(METRICS.deliveryLatency), {
        leftAnnotations: [{ value: 5000, label: 'T14, p95' }],
      }),
    ];
  }

  private workflowAndLimits({ stateMachine }: RetryWorkflow): IWidget[] {
    const executions = [
      stateMachine.metricStarted({ label: 'started' }),
      stateMachine.metricSucceeded(),
      stateMachine.metricFailed(),
      stateMachine.metricTimedOut(),
      stateMachine.metricAborted(),
    ];
    const held = [
      METRICS.deliveryThrottled,
      METRICS.deliveryDeferred,
      METRICS.deliveryParked,
      METRICS.integrationParked,
      METRICS.taskQueued,
    ];
    return [
      graph('Workflow: started and ended', executions),
      graph('Workflow: open executions (of the account)', [
        new Metric({ namespace: 'AWS/States', metricName: 'OpenExecutionCount', statistic: Stats.MAXIMUM }),
      ]),
      graph('Delayed by limits, pauses and circuit breakers', this.sums(held)),
    ];
  }

  private functions(functions: DashboardProps['functions']): IWidget[] {
    const each = (of: (fn: PipelineFunction['lambda'], label: string) => Metric) =>
      Object.entries(functions).map(([name, { lambda }]) => of(lambda, name));
    return [
      graph(
        'Errors and throttles',
        each((fn, label) => fn.metricErrors({ label })),
        { right: each((fn, label) => fn.metricThrottles({ label: `${label}, throttled` })) },
      ),
      graph(
        'Duration, ms, p95',
        each((fn, label) => fn.metricDuration({ label, statistic: 'p95' })),
      ),
      graph('Cost drivers: queries, executions, webhooks', this.sums([METRICS.querySuccess, METRICS.taskQueued]), {
        right: this.sums(DELIVERED),
      }),
    ];
  }

  /** The share of one count in the sum of both. */
  private shareOf(title: string, label: string, part: CountName, rest: CountName): IWidget {
    const metric = this.metrics.share([part], [part, rest], { fewest: 1 }).with({ label });
    return new SingleValueWidget({ ...THIRD, title, metrics: [metric], sparkline: true });
  }

  private sums(names: readonly CountName[]): IMetric[] {
    return names.map((name) => this.metrics.sum(name, PERIOD));
  }

  private percentiles(name: MeasureName): IMetric[] {
    return ['p50', 'p95', 'p99'].map((label) => this.metrics.percentile(name, label, PERIOD).with({ label }));
  }

  /** Integrations change without a deploy, so the metrics are found by `SEARCH`. */
  private byIntegration(name: DimensionedName): IMetric {
    const schema = `${this.namespace},integration,service`;
    return new MathExpression({
      expression: `SEARCH('{${schema}} MetricName="${name}"', 'Sum', ${PERIOD.toSeconds()})`,
      label: '',
      period: PERIOD,
    });
  }
}

function waiting({ events, deliveries, outcomes }: EventQueues): IWidget[] {
  const each = (of: (pair: QueuePair, name: string) => Metric) =>
    Object.entries({ events, deliveries, outcomes }).map(([name, pair]) => of(pair, name));
  const statistic = Stats.MAXIMUM;
  return [
    graph(
      'Queue depth, and dead-letter messages',
      each(({ queue }, label) => queue.metricApproximateNumberOfMessagesVisible({ statistic, label })),
      {
        ...HALF,
        right: each(({ deadLetters }, name) =>
          deadLetters.metricApproximateNumberOfMessagesVisible({ statistic, label: `dead-letter messages of ${name}` }),
        ),
      },
    ),
    graph(
      'Age of the oldest message, s',
      each(({ queue }, label) => queue.metricApproximateAgeOfOldestMessage({ statistic, label })),
      HALF,
    ),
  ];
}

function graph(title: string, left: IMetric[], more: GraphWidgetProps = {}): IWidget {
  return new GraphWidget({ ...THIRD, title, left, ...more });
}

function heading(text: string): IWidget {
  return new TextWidget({ ...FULL, markdown: `## ${text}` });
}
