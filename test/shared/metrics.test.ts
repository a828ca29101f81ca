import { Metrics } from '@aws-lambda-powertools/metrics';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FEATURE_NAME, METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { createCounter } from '../../lambdas/shared/metrics.ts';

let written: string[];
let counter: ReturnType<typeof createCounter>;

beforeEach(() => {
  written = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => void written.push(line));
  // Powertools writes past the console, unless POWERTOOLS_DEV is set; then it writes only if it is enabled.
  Object.assign(process.env, { POWERTOOLS_DEV: 'true', POWERTOOLS_METRICS_DISABLED: 'false' });
  counter = createCounter(new Metrics({ namespace: 'webhooks', serviceName: 'delivery' }));
});
afterEach(() => {
  delete process.env.POWERTOOLS_DEV;
  delete process.env.POWERTOOLS_METRICS_DISABLED;
  jest.restoreAllMocks();
});

/** Each blob: its metrics' names with their values, its dimensions, and the units. */
function published() {
  counter.publish();
  return written.splice(0).map((line) => {
    const { _aws, ...values } = JSON.parse(line);
    const [{ Namespace, Dimensions, Metrics: described }] = _aws.CloudWatchMetrics;
    return { Namespace, Dimensions, described, values };
  });
}

describe('counts', () => {
  test('are one value per name', () => {
    for (let times = 0; times < 250; times += 1) counter.count(METRICS.cacheHit);
    counter.count(METRICS.cacheMiss, 7);
    expect(published()).toEqual([
      {
        Namespace: 'webhooks',
        Dimensions: [['service']],
        described: [
          { Name: METRICS.cacheHit, Unit: 'Count' },
          { Name: METRICS.cacheMiss, Unit: 'Count' },
        ],
        values: { service: 'delivery', [METRICS.cacheHit]: 250, [METRICS.cacheMiss]: 7 },
      },
    ]);
  });

  test('with dimensions are a blob per combination of values', () => {
    counter.count(METRICS.featureEvaluated, 1, { feature: FEATURE_NAME, result: 'pilot' });
    counter.count(METRICS.featureEvaluated, 2, { feature: FEATURE_NAME, result: 'off' });
    counter.count(METRICS.featureEvaluated, 1, { feature: FEATURE_NAME, result: 'pilot' });
    counter.count(METRICS.cacheHit);
    const blobs = published();
    expect(blobs.map(({ values }) => values)).toEqual([
      { service: 'delivery', feature: FEATURE_NAME, result: 'pilot', [METRICS.featureEvaluated]: 2 },
      { service: 'delivery', feature: FEATURE_NAME, result: 'off', [METRICS.featureEvaluated]: 2 },
      { service: 'delivery', [METRICS.cacheHit]: 1 },
    ]);
    expect(blobs.map(({ Dimensions }) => Dimensions)).toEqual([
      [['service', 'feature', 'result']],
      [['service', 'feature', 'result']],
      [['service']],
    ]);
  });

  test('start at 0 after they are published; without counts, nothing is written', () => {
    counter.count(METRICS.cacheHit);
    counter.count(METRICS.featureError, 1, { feature: FEATURE_NAME, error: 'faulty' });
    expect(published()).toHaveLength(2);
    expect(published()).toEqual([]);
  });
});

describe('durations', () => {
  test('keep each value, in milliseconds', () => {
    for (const milliseconds of [5, 900, 31.5]) counter.measure(METRICS.queryDuration, milliseconds);
    expect(published()).toMatchObject([
      {
        described: [{ Name: METRICS.queryDuration, Unit: 'Milliseconds' }],
        values: { [METRICS.queryDuration]: [5, 900, 31.5] },
      },
    ]);
  });

  test('beyond the 100 values of a blob are in the next one', () => {
    for (let value = 0; value < 250; value += 1) counter.measure(METRICS.deliveryLatency, value);
    const values = published().flatMap((blob) => blob.values[METRICS.deliveryLatency]);
    expect(values).toEqual(Array.from({ length: 250 }, (_, value) => value));
  });
});
