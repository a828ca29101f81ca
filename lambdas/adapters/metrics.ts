import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type Counter, type Dimensions, definitionOf, type MetricName } from '../contract/metrics.ts';

interface Count {
  readonly name: MetricName;
  readonly dimensions: Dimensions;
  value: number;
}

/** CloudWatch has no days. */
const UNITS = {
  Count: MetricUnit.Count,
  Number: MetricUnit.Count,
  Milliseconds: MetricUnit.Milliseconds,
  Seconds: MetricUnit.Seconds,
  Days: MetricUnit.NoUnit,
} as const;

/**
 * Counts in memory and publishes when an invocation ends: one EMF blob for all that has no dimensions of its own, and one
 * for each count that has. A blob takes at most 100 values of a metric; Powertools begins another.
 */
export function createCounter(metrics: Metrics): Counter & { publish(): void } {
  const counts = new Map<string, Count>();
  const measured: [MetricName, number][] = [];
  return {
    count(name, value = 1, dimensions = {}) {
      const key = `${name} ${JSON.stringify(dimensions)}`;
      const counted = counts.get(key);
      if (counted === undefined) counts.set(key, { name, dimensions, value });
      else counted.value += value;
    },
    measure(name, value) {
      measured.push([name, value]);
    },
    publish() {
      // Powertools warns of a blob without values.
      let isAnyPlain = measured.length > 0;
      for (const { name, dimensions, value } of counts.values()) {
        if (Object.keys(dimensions).length > 0) {
          metrics.singleMetric().addDimensions(dimensions).addMetric(name, MetricUnit.Count, value);
        } else {
          metrics.addMetric(name, MetricUnit.Count, value);
          isAnyPlain = true;
        }
      }
      for (const [name, value] of measured) metrics.addMetric(name, UNITS[definitionOf(name).unit], value);
      counts.clear();
      measured.length = 0;
      if (isAnyPlain) metrics.publishStoredMetrics();
    },
  };
}
