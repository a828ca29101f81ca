import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type CountName,
  type DimensionedName,
  type Dimensions,
  type DimensionsOf,
  definitionOf,
  METRICS,
  type MeasureName,
  type MetricName,
  metricsNamespace,
} from '../lambdas/shared/metric-definitions.ts';

/** A share of fewer counts in a period is not significant. */
export const FEWEST = 10;

export const DELIVERED = [METRICS.deliveredWithLearningTime, METRICS.deliveredWithoutLearningTime] as const;
export const FAILED = [METRICS.deliveryRetry, METRICS.deliveryDead] as const;

interface ShareOptions {
  readonly period?: Duration;
  readonly fewest?: number;
}

/** The metrics of a stage's functions, for alarms and dashboards. */
export class StageMetrics {
  private readonly namespace: string;

  constructor(stageName: string) {
    this.namespace = metricsNamespace(stageName);
  }

  /**
   * The sum over all services that publish the metric; 0 without data.
   *
   * @param dimensions all dimensions of the metric; with others it would be a different metric, without data
   */
  sum(name: CountName, period?: Duration): IMetric;
  sum<Name extends DimensionedName>(name: Name, period: Duration, dimensions: DimensionsOf<Name>): IMetric;
  sum(name: MetricName, period: Duration = Duration.minutes(5), dimensions: Dimensions = {}): IMetric {
    const { services } = definitionOf(name);
    const metrics = services.map((service) => {
      const id = [idOf(name), service, ...Object.values(dimensions)].join('_').replaceAll(/\W/g, '_');
      return [id, this.metric(name, service, Stats.SUM, period, dimensions)] as const;
    });
    const [first, ...others] = metrics;
    if (first !== undefined && others.length === 0) return first[1];
    const usingMetrics = Object.fromEntries(metrics);
    return new MathExpression({
      expression: filled(Object.keys(usingMetrics)),
      usingMetrics,
      period,
      label: name,
    });
  }

  /** @param statistic `p95` */
  percentile(name: MeasureName, statistic: string, period: Duration = Duration.minutes(5)): Metric {
    const [service = ''] = definitionOf(name).services;
    return this.metric(name, service, statistic, period);
  }

  /** `part` in percent of `whole`; 0 if `whole` is under `fewest`. */
  share(
    part: readonly CountName[],
    whole: readonly CountName[],
    { period = Duration.minutes(5), fewest = FEWEST }: ShareOptions = {},
  ): MathExpression {
    const [partSum, wholeSum] = [part, whole].map((names) => filled(names.map(idOf)));
    return new MathExpression({
      expression: `IF(${wholeSum} >= ${fewest}, 100 * (${partSum}) / (${wholeSum}), 0)`,
      usingMetrics: Object.fromEntries([...part, ...whole].map((name) => [idOf(name), this.sum(name, period)])),
      period,
    });
  }

  /** Failed attempts in percent of all. */
  failedAttempts(options: ShareOptions = {}): MathExpression {
    return this.share(FAILED, [...DELIVERED, ...FAILED], options);
  }

  private metric(
    metricName: MetricName,
    service: string,
    statistic: string,
    period: Duration,
    dimensions: Dimensions = {},
  ): Metric {
    const dimensionsMap = { service, ...dimensions };
    return new Metric({ namespace: this.namespace, metricName, dimensionsMap, statistic, period });
  }
}

/** The sum of metrics, in which a metric without data is 0. */
export function sumOf(metrics: readonly IMetric[], period = Duration.minutes(5)): IMetric {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({ expression: filled(Object.keys(usingMetrics)), usingMetrics, period });
}

/** The metric's key in `METRICS`, since ids in expressions have no dots. */
function idOf(name: MetricName): string {
  return Object.entries(METRICS).find(([, each]) => each === name)?.[0] ?? '';
}

/** A sum in which a metric without data is 0. */
function filled(ids: readonly string[]): string {
  return ids.map((id) => `FILL(${id}, 0)`).join(' + ');
}
