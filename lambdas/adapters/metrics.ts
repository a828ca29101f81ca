import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Counter, MetricName } from '../contract/metrics.ts';

/** Counts in memory and publishes one EMF blob for an invocation: a blob takes at most 100 values. */
export function createCounter(metrics: Metrics): Counter & { publish(): void } {
  const counts = new Map<MetricName, number>();
  return {
    count(name, value = 1) {
      counts.set(name, (counts.get(name) ?? 0) + value);
    },
    publish() {
      // Powertools warns of a blob without values.
      if (counts.size === 0) return;
      for (const [name, value] of counts) metrics.addMetric(name, MetricUnit.Count, value);
      counts.clear();
      metrics.publishStoredMetrics();
    },
  };
}
