import type { Metrics } from '@aws-lambda-powertools/metrics';
import { describe, expect, test } from '@jest/globals';
import { createCounter } from '../../lambdas/adapters/metrics.ts';
import { METRICS } from '../../lambdas/contract/metrics.ts';

describe('counts', () => {
  test('are one value a name, however often something was counted', () => {
    const metrics = { added: [] as unknown[][], published: 0 };
    const counter = createCounter({
      addMetric: (...metric: unknown[]) => metrics.added.push(metric),
      publishStoredMetrics: () => {
        metrics.published += 1;
      },
    } as unknown as Metrics);
    for (let times = 0; times < 250; times += 1) counter.count(METRICS.cacheHit);
    counter.count(METRICS.cacheMiss, 7);
    counter.publish();
    expect(metrics).toEqual({
      added: [
        [METRICS.cacheHit, 'Count', 250],
        [METRICS.cacheMiss, 'Count', 7],
      ],
      published: 1,
    });
    counter.publish();
    expect(metrics).toMatchObject({ added: [expect.anything(), expect.anything()], published: 1 });
  });
});
