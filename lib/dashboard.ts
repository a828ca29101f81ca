import { Duration } from 'aws-cdk-lib';
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
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
import { KINDS } from '../lambdas/contract/event-types/event-types.ts';
import {
  type CountName,
  type DimensionedName,
  METRICS,
  type MeasureName,
  metricsNamespace,
} from '../lambdas/contract/metrics.ts';
import type { EventQueues } from './event-queues.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { RetryWorkflow } from './retry-workflow.ts';
import { StageMetrics } from './stage-metrics.ts';
import type { Stage } from './stage-schema.ts';

export interface DashboardProps {
  readonly stage: Stage;
  readonly queues: EventQueues;
  readonly workflow: RetryWorkflow;
  /** By the names that people know them by. */
  readonly functions: Readonly<Record<string, PipelineFunction>>;
}

const PERIOD = Duration.minutes(5);
/** Of a dashboard's 24 columns. */
const THIRD = { width: 8, height: 6 } as const;
const HALF = { width: 12, height: 6 } as const;
const FULL = { width: 24, height: 1 } as const;

/**
 * The panels of document 001, section 7.3, and the health of document 003, by kind of event too; under them what holds webhooks up: queues,
 * workflow, limits and breaker, functions, and what the stage's own metrics and queries cost.
 */
export class Dashboard extends Construct {
  readonly name: string;
  private readonly metrics: StageMetrics;
  private readonly namespace: string;

  constructor(scope: Construct, id: string, { stage, queues, workflow, functions }: DashboardProps) {
    super(scope, id);
    this.metrics = new StageMetrics(stage.name);
    this.namespace = metricsNamespace(stage.name);
    this.name = `learning-time-webhooks-${stage.name}`;
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      dashboardName: this.name,
      defaultInterval: Duration.hours(3),
    });
    for (const row of [
      [heading(`Learning-time webhooks, ${stage.name}: are partners served?`)],
      this.health(),
      this.kinds(),
      [heading('Learning time')],
      this.learningTime(),
      this.enrichment(),
      [heading('What holds webhooks up')],
      waiting(queues),
      [...this.workflow(workflow), this.limits()],
      [heading('Functions, ledger, cost')],
      this.functions(functions),
    ]) {
      dashboard.addWidgets(...row);
    }
  }

  /** Document 003: success rate, errors, and by partner. */
  private health(): IWidget[] {
    const failed = [METRICS.deliveryRetry, METRICS.deliveryDead];
    const delivered = [METRICS.deliveredWithLearningTime, METRICS.deliveredWithoutLearningTime];
    const failures = this.metrics.share(failed, [...delivered, ...failed], { fewest: 1 });
    const success = new MathExpression({
      expression: '100 - failures',
      usingMetrics: { failures },
      label: 'successful tries, %',
      period: PERIOD,
    });
    return [
      new GraphWidget({
        ...THIRD,
        title: 'Success rate of tries (warning under 90, critical under 80)',
        left: [success],
        leftYAxis: { min: 0, max: 100 },
        leftAnnotations: [{ value: 90 }, { value: 80 }],
      }),
      new GraphWidget({
        ...THIRD,
        title: 'Webhook delivery status',
        left: delivered.map((name) => this.sum(name)),
        stacked: true,
      }),
      new GraphWidget({
        ...THIRD,
        title: 'Failed tries by partner',
        left: [this.byIntegration(METRICS.deliveryFailure)],
      }),
    ];
  }

  /** Kinds come with a deploy, so they are named. */
  private kinds(): IWidget[] {
    const each = (name: typeof METRICS.kindSuccess | typeof METRICS.kindFailure) =>
      KINDS.map((kind) => this.metrics.sum(name, PERIOD, { kind }));
    return [
      new GraphWidget({
        ...THIRD,
        title: 'Tries by kind of event: taken',
        left: each(METRICS.kindSuccess),
        stacked: true,
      }),
      new GraphWidget({
        ...THIRD,
        title: 'Tries by kind of event: failed; critical webhooks given up',
        left: each(METRICS.kindFailure),
        right: [this.sum(METRICS.criticalDead)],
      }),
      new GraphWidget({
        ...THIRD,
        title: 'Events that wait for their moment',
        left: [METRICS.timerWaiting, METRICS.timerOverdue].map((name) => this.largest(name)),
        right: [METRICS.timerMoved, METRICS.timerCancelled].map((name) => this.sum(name)),
      }),
    ];
  }

  private learningTime(): IWidget[] {
    return [
      new GraphWidget({
        ...THIRD,
        title: 'Snowflake query performance, ms',
        left: ['p50', 'p95', 'p99'].map((share) => this.percentile(METRICS.queryDuration, share)),
        leftAnnotations: [{ value: 5000, label: 'document 001' }],
      }),
      new SingleValueWidget({
        ...THIRD,
        title: 'Cache hit rate, % (target: over 80)',
        metrics: [this.shareOf('cache hits, %', [METRICS.cacheHit], [METRICS.cacheHit, METRICS.cacheMiss])],
        sparkline: true,
      }),
      new SingleValueWidget({
        ...THIRD,
        title: 'Enrichment success rate, % (target: over 95)',
        metrics: [this.enriched()],
        sparkline: true,
      }),
    ];
  }

  private enrichment(): IWidget[] {
    return [
      new GraphWidget({
        ...THIRD,
        title: 'Errors by type',
        view: GraphWidgetView.PIE,
        setPeriodToTimeRange: true,
        left: [
          METRICS.queryFailure,
          METRICS.querySkipped,
          METRICS.eventRejected,
          METRICS.deliveryRetry,
          METRICS.deliveryDead,
          METRICS.ledgerUnavailable,
        ].map((name) => this.sum(name)),
      }),
      new GraphWidget({
        ...THIRD,
        title: 'Queries, and those that the breaker did not make',
        left: [METRICS.querySuccess, METRICS.queryFailure, METRICS.querySkipped].map((name) => this.sum(name)),
      }),
      new GraphWidget({
        ...THIRD,
        title: 'Completion to webhook, ms',
        left: ['p50', 'p95', 'p99'].map((share) => this.percentile(METRICS.deliveryLatency, share)),
        leftAnnotations: [{ value: 5000, label: 'document 000, p95' }],
      }),
    ];
  }

  private workflow({ stateMachine }: RetryWorkflow): IWidget[] {
    const ended = {
      Succeeded: stateMachine.metricSucceeded(),
      Failed: stateMachine.metricFailed(),
      'Timed out': stateMachine.metricTimedOut(),
      Aborted: stateMachine.metricAborted(),
    };
    return [
      new GraphWidget({
        ...THIRD,
        title: 'Workflow: started and ended',
        left: [stateMachine.metricStarted({ label: 'started' }), ...Object.values(ended)],
      }),
      new GraphWidget({
        ...THIRD,
        title: 'Workflow: executions that wait (of the account)',
        left: [new Metric({ namespace: 'AWS/States', metricName: 'OpenExecutionCount', statistic: Stats.MAXIMUM })],
      }),
    ];
  }

  private limits(): IWidget {
    return new GraphWidget({
      ...THIRD,
      title: 'Held by limits, pauses and breakers',
      left: [METRICS.deliveryThrottled, METRICS.deliveryDeferred, METRICS.deliveryParked, METRICS.taskQueued].map(
        (name) => this.sum(name),
      ),
    });
  }

  private functions(functions: DashboardProps['functions']): IWidget[] {
    const each = (of: (fn: PipelineFunction['lambda'], label: string) => Metric) =>
      Object.entries(functions).map(([name, { lambda }]) => of(lambda, name));
    return [
      new GraphWidget({
        ...THIRD,
        title: 'Errors and throttles',
        left: each((fn, label) => fn.metricErrors({ label })),
        right: each((fn, label) => fn.metricThrottles({ label: `${label}, throttled` })),
      }),
      new GraphWidget({
        ...THIRD,
        title: 'Duration, ms, p95',
        left: each((fn, label) => fn.metricDuration({ label, statistic: 'p95' })),
      }),
      new GraphWidget({
        ...THIRD,
        title: 'What is paid for: queries, executions, webhooks',
        left: [METRICS.querySuccess, METRICS.taskQueued].map((name) => this.sum(name)),
        right: [METRICS.deliveredWithLearningTime, METRICS.deliveredWithoutLearningTime].map((name) => this.sum(name)),
      }),
    ];
  }

  private enriched(): IMetric {
    const [all, fallbacks] = [METRICS.deliveredWithLearningTime, METRICS.enrichmentFallback];
    return this.shareOf('of those that should be, %', [all], [all, fallbacks]);
  }

  private shareOf(label: string, part: readonly CountName[], whole: readonly CountName[]): IMetric {
    return this.metrics.share(part, whole, { fewest: 1 }).with({ label });
  }

  private sum(name: CountName): IMetric {
    return this.metrics.sum(name, PERIOD);
  }

  /** Of what is measured once an hour. */
  private largest(name: MeasureName): IMetric {
    return this.metrics.percentile(name, Stats.MAXIMUM, Duration.hours(1));
  }

  private percentile(name: MeasureName, statistic: string): IMetric {
    return this.metrics.percentile(name, statistic, PERIOD).with({ label: statistic });
  }

  /** Integrations come and go without a deploy, so they are looked for. */
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
  const pairs = { events, deliveries, outcomes };
  const each = (of: (pair: (typeof pairs)['events'], name: string) => Metric) =>
    Object.entries(pairs).map(([name, pair]) => of(pair, name));
  const statistic = Stats.MAXIMUM;
  return [
    new GraphWidget({
      ...HALF,
      title: 'Queue depth, and dead letters',
      left: each(({ queue }, label) => queue.metricApproximateNumberOfMessagesVisible({ statistic, label })),
      right: each(({ deadLetters }, name) =>
        deadLetters.metricApproximateNumberOfMessagesVisible({ statistic, label: `dead letters of ${name}` }),
      ),
    }),
    new GraphWidget({
      ...HALF,
      title: 'Age of the oldest message, s',
      left: each(({ queue }, label) => queue.metricApproximateAgeOfOldestMessage({ statistic, label })),
    }),
  ];
}

function heading(text: string): IWidget {
  return new TextWidget({ ...FULL, markdown: `## ${text}` });
}
