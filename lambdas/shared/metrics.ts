import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type Counter, type Dimensions, definitionOf, type MetricName } from './metric-definitions.ts';

/** Counts with the same dimensions. */
interface Group {
  readonly dimensions: Dimensions;
  readonly values: Map<MetricName, number>;
}

/** The key of counts without dimensions. */
const NO_DIMENSIONS = '{}';

/** CloudWatch has no unit for days. */
const UNITS = {
  Count: MetricUnit.Count,
  Number: MetricUnit.Count,
  Milliseconds: MetricUnit.Milliseconds,
  Seconds: MetricUnit.Seconds,
  Days: MetricUnit.NoUnit,
} as const;

/**
 * Counts in memory and publishes at the end of an invocation: one EMF blob per set of dimensions. A blob holds at most
 * 100 values of a metric; Powertools starts another one for more.
 */
export function createCounter(metrics: Metrics): Counter & { publish(): void } {
  const groups = new Map<string, Group>();
  const measured: [MetricName, number][] = [];
  return {
    count(name: MetricName, value = 1, dimensions: Dimensions = {}) {
      const key = JSON.stringify(dimensions);
      const group = groups.get(key) ?? { dimensions, values: new Map() };
      groups.set(key, group);
      group.values.set(name, (group.values.get(name) ?? 0) + value);
    },
    measure(name, value) {
      measured.push([name, value]);
    },
    publish() {
      // Not `singleMetric`: it creates a console each time, which takes a tenth of a delivery's CPU.
      const undimensioned = groups.get(NO_DIMENSIONS);
      groups.delete(NO_DIMENSIONS);
      for (const { dimensions, values } of groups.values()) {
        metrics.addDimensions(dimensions);
        for (const [name, value] of values) metrics.addMetric(name, MetricUnit.Count, value);
        metrics.publishStoredMetrics();
      }
      for (const [name, value] of undimensioned?.values ?? []) metrics.addMetric(name, MetricUnit.Count, value);
      for (const [name, value] of measured) metrics.addMetric(name, UNITS[definitionOf(name).unit], value);
      const hasUndimensioned = undimensioned !== undefined || measured.length > 0;
      groups.clear();
      measured.length = 0;
      // Powertools warns about a blob without values.
      if (hasUndimensioned) metrics.publishStoredMetrics();
    },
  };
}
