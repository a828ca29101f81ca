import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Counter, Dimensions, MetricName } from '../contract/metrics.ts';

interface Count {
  readonly name: MetricName;
  readonly dimensions: Dimensions;
  value: number;
}

/**
 * Counts in memory and publishes when an invocation ends: one EMF blob for all that has no dimensions of its own, and one
 * for each count that has. A blob takes at most 100 values of a metric; Powertools begins another.
 */
export function createCounter(metrics: Metrics): Counter & { publish(): void } {
  const counts = new Map<string, Count>();
  const durations: [MetricName, number][] = [];
  return {
    count(name, value = 1, dimensions = {}) {
      const key = `${name} ${JSON.stringify(dimensions)}`;
      const counted = counts.get(key);
      if (counted === undefined) counts.set(key, { name, dimensions, value });
      else counted.value += value;
    },
    measure(name, milliseconds) {
      durations.push([name, milliseconds]);
    },
    publish() {
      // Powertools warns of a blob without values.
      let isAnyPlain = durations.length > 0;
      for (const { name, dimensions, value } of counts.values()) {
        if (Object.keys(dimensions).length > 0) {
          metrics.singleMetric().addDimensions(dimensions).addMetric(name, MetricUnit.Count, value);
        } else {
          metrics.addMetric(name, MetricUnit.Count, value);
          isAnyPlain = true;
        }
      }
      for (const [name, milliseconds] of durations) metrics.addMetric(name, MetricUnit.Milliseconds, milliseconds);
      counts.clear();
      durations.length = 0;
      if (isAnyPlain) metrics.publishStoredMetrics();
    },
  };
}
