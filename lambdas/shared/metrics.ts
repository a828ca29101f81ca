import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type Counter, type Dimensions, definitionOf, type MetricName } from './metric-definitions.ts';

/** What is counted under the same dimensions. */
interface Group {
  readonly dimensions: Dimensions;
  readonly values: Map<MetricName, number>;
}

/** The key of what has no dimensions. */
const PLAIN = '{}';

/** CloudWatch has no days. */
const UNITS = {
  Count: MetricUnit.Count,
  Number: MetricUnit.Count,
  Milliseconds: MetricUnit.Milliseconds,
  Seconds: MetricUnit.Seconds,
  Days: MetricUnit.NoUnit,
} as const;

/**
 * Counts in memory and publishes when an invocation ends: one EMF blob for all that has the same dimensions. A blob takes
 * at most 100 values of a metric; Powertools begins another.
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
      // A `singleMetric` for each would do too, but makes a console of its own: a tenth of a delivery's CPU.
      const plain = groups.get(PLAIN);
      groups.delete(PLAIN);
      for (const { dimensions, values } of groups.values()) {
        metrics.addDimensions(dimensions);
        for (const [name, value] of values) metrics.addMetric(name, MetricUnit.Count, value);
        metrics.publishStoredMetrics();
      }
      for (const [name, value] of plain?.values ?? []) metrics.addMetric(name, MetricUnit.Count, value);
      for (const [name, value] of measured) metrics.addMetric(name, UNITS[definitionOf(name).unit], value);
      const isAnyPlain = plain !== undefined || measured.length > 0;
      groups.clear();
      measured.length = 0;
      // Powertools warns of a blob without values.
      if (isAnyPlain) metrics.publishStoredMetrics();
    },
  };
}
