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
} from '../lambdas/contract/metrics.ts';

/** Fewer in a period say nothing about a share. */
export const FEWEST = 10;

/** What functions of a stage publish, as alarms and dashboards read it. */
export class StageMetrics {
  private readonly namespace: string;

  constructor(stageName: string) {
    this.namespace = metricsNamespace(stageName);
  }

  /**
   * How much of it there was; 0 where nothing was counted. @param dimensions all of the metric's: with another value, or without
   * one of them, it is another metric, which has no data
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
      expression: filled(Object.keys(usingMetrics).join(' + ')),
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

  /** A part in percent of a whole, each a sum of counts by one service; 0 where there are too few to tell. */
  share(
    part: readonly CountName[],
    whole: readonly CountName[],
    { period = Duration.minutes(5), fewest = FEWEST }: { readonly period?: Duration; readonly fewest?: number } = {},
  ): MathExpression {
    const sumOf = (some: readonly CountName[]) => filled(some.map(idOf).join(' + '));
    return new MathExpression({
      expression: `IF(${sumOf(whole)} >= ${fewest}, 100 * (${sumOf(part)}) / (${sumOf(whole)}), 0)`,
      usingMetrics: Object.fromEntries([...part, ...whole].map((name) => [idOf(name), this.sum(name, period)])),
      period,
    });
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

/** What the code calls it: a name with dots is none that an expression takes. */
function idOf(name: MetricName): string {
  return Object.entries(METRICS).find(([, each]) => each === name)?.[0] ?? '';
}

/** A count that nobody made is 0. */
function filled(sum: string): string {
  return sum
    .split(' + ')
    .map((id) => `FILL(${id}, 0)`)
    .join(' + ');
}
