import { describe, expect, test } from '@jest/globals';
import { KINDS } from '../../lambdas/events/event-types/event-types.ts';
import { definitionOf, METRICS, type MetricName } from '../../lambdas/shared/metric-definitions.ts';
import { gaugeQueries, gaugeSamples } from '../../lambdas/status/gauges.ts';
import { keyOf, spanUntil } from '../../lambdas/status/metric-queries.ts';
import { GAUGES, type GaugeDefinition, type GaugeKey, type Sample } from '../../lambdas/status/prometheus.ts';
import { NOW } from '../support/factories.ts';

const QUEUES = {
  events: 'EventsQueue',
  deliveries: 'DeliveriesQueue',
  events_dead_letters: 'EventsDead',
  deliveries_dead_letters: 'DeliveriesDead',
};
const NAMESPACE = 'LearningTimeWebhooks/prod';
const READ = { queues: QUEUES, timers: { waiting: 12, overdue: 1 }, readAtMs: NOW };

/** A value for each query: 1, 2, 3 … in their order, except for those that are given. */
function allValues(ids: readonly string[], given: Readonly<Record<string, number>> = {}): Map<string, number> {
  const queries = gaugeQueries(NAMESPACE, ids, QUEUES);
  return new Map(queries.map(({ key }, index) => [key, given[key] ?? index + 1]));
}

function samples(values: ReadonlyMap<string, number>, integrationIds: readonly string[] | undefined = ['acme']) {
  return gaugeSamples({ ...READ, integrationIds, values });
}

const valuesOf = (all: readonly Sample[] | undefined) => all?.map(({ value }) => value);

describe('the queries', () => {
  test('are of metrics that functions publish, by their dimensions, and of SQS', () => {
    const queries = gaugeQueries(NAMESPACE, ['acme'], QUEUES);
    expect(new Set(queries.map(({ key }) => key)).size).toBe(queries.length);
    for (const { namespace, name, dimensions } of queries.filter((query) => query.namespace !== 'AWS/SQS')) {
      const { services, dimensions: others = {} } = definitionOf(name as MetricName);
      expect({ namespace, names: Object.keys(dimensions) }).toEqual({
        namespace: NAMESPACE,
        names: ['service', ...Object.keys(others)],
      });
      expect(services).toContain(dimensions.service);
    }
    expect(queries).toContainEqual({
      key: keyOf('ApproximateAgeOfOldestMessage', 'EventsQueue'),
      namespace: 'AWS/SQS',
      name: 'ApproximateAgeOfOldestMessage',
      dimensions: { QueueName: 'EventsQueue' },
      statistic: 'Maximum',
      periodSeconds: 300,
      take: 'latest',
    });
  });

  test('begin with a whole period, and include this minute', () => {
    const nowMs = Date.parse('2026-01-15T12:03:20.500Z');
    const { fromMs, untilMs } = spanUntil(nowMs, 1, 300);
    expect([new Date(fromMs).toISOString(), new Date(untilMs).toISOString()]).toEqual([
      '2026-01-15T11:00:00.000Z',
      '2026-01-15T12:04:00.000Z',
    ]);
    expect(spanUntil(Date.parse('2026-01-15T12:00:00Z'), 24, 900)).toEqual({
      fromMs: Date.parse('2026-01-14T12:00:00Z'),
      untilMs: Date.parse('2026-01-15T12:01:00Z'),
    });
  });
});

describe('the gauges', () => {
  test('have a value if everything could be read, each with its labels', () => {
    const shown = samples(allValues(['acme']));
    for (const [key, gauge] of Object.entries(GAUGES) as [GaugeKey, GaugeDefinition][]) {
      expect(shown[key]?.length).toBeGreaterThan(0);
      for (const { labels = {}, value } of shown[key] ?? []) {
        expect({ key, labels: Object.keys(labels), isKnown: value !== undefined }).toEqual({
          key,
          labels: gauge.labels ?? [],
          isKnown: true,
        });
      }
    }
  });

  test('are in base units: seconds, and ratios', () => {
    const shown = samples(
      allValues(['acme', 'globex'], {
        [METRICS.deliveryLatency]: 2500,
        [METRICS.queryDuration]: 640,
        [METRICS.cacheHit]: 3,
        [METRICS.cacheMiss]: 1,
        [METRICS.deliveredWithLearningTime]: 6,
        [METRICS.deliveredWithoutLearningTime]: 2,
        [METRICS.enrichmentFallback]: 2,
        [keyOf(METRICS.deliverySuccess, 'acme')]: 5,
        [keyOf(METRICS.deliveryFailure, 'acme')]: 1,
        [keyOf(METRICS.deliverySuccess, 'globex')]: 4,
        [keyOf(METRICS.deliveryFailure, 'globex')]: 0,
      }),
      ['acme', 'globex'],
    );
    expect(valuesOf(shown.latency)).toEqual([2.5]);
    expect(valuesOf(shown.queryDuration)).toEqual([0.64]);
    expect(valuesOf(shown.hitRatio)).toEqual([0.75]);
    expect(valuesOf(shown.fallbackRatio)).toEqual([0.25]);
    expect(valuesOf(shown.successRatio)).toEqual([0.9]);
    expect(valuesOf(shown.readAt)).toEqual([NOW / 1000]);
  });

  test('have no ratio of nothing, and none above 1', () => {
    const nothing = { [METRICS.cacheHit]: 0, [METRICS.cacheMiss]: 0 };
    expect(valuesOf(samples(allValues(['acme'], nothing)).hitRatio)).toEqual([undefined]);
    const tooMany = {
      [METRICS.deliveredWithLearningTime]: 0,
      [METRICS.deliveredWithoutLearningTime]: 1,
      [METRICS.enrichmentFallback]: 2,
    };
    expect(valuesOf(samples(allValues(['acme'], tooMany)).fallbackRatio)).toEqual([1]);
  });

  test('without data in CloudWatch have no value, and the source is down', () => {
    const values = allValues(['acme', 'globex']);
    values.delete(keyOf(METRICS.deliveryFailure, 'globex'));
    values.delete(METRICS.cacheMiss);
    const shown = samples(values, ['acme', 'globex']);
    expect(shown.attempts?.map(({ labels, value }) => [labels?.integration, value !== undefined])).toEqual([
      ['acme', true],
      ['acme', true],
      ['globex', false],
      ['globex', false],
    ]);
    expect(valuesOf(shown.successRatio)).toEqual([undefined]);
    expect(valuesOf(shown.hitRatio)).toEqual([undefined]);
    expect(shown.sourceUp).toEqual([
      { labels: { source: 'integrations' }, value: 1 },
      { labels: { source: 'metrics' }, value: 0 },
      { labels: { source: 'ledger' }, value: 1 },
    ]);
  });

  test('have the same attempts by kind; if one is missing, the source is down', () => {
    const values = allValues(['acme'], {
      [keyOf(METRICS.kindSuccess, 'lead.hot')]: 4,
      [keyOf(METRICS.kindFailure, 'lead.hot')]: 1,
    });
    values.delete(keyOf(METRICS.kindFailure, 'lead.cold'));
    const shown = samples(values);
    expect(new Set(shown.attemptsOfKinds?.map(({ labels }) => labels?.kind))).toEqual(new Set(KINDS));
    const of = (kind: string) => shown.attemptsOfKinds?.filter(({ labels }) => labels?.kind === kind);
    expect(of('lead.hot')).toEqual([
      { labels: { kind: 'lead.hot', result: 'success' }, value: 4 },
      { labels: { kind: 'lead.hot', result: 'failure' }, value: 1 },
    ]);
    expect(valuesOf(of('lead.cold'))).toEqual([undefined, undefined]);
    expect(valuesOf(shown.sourceUp)).toEqual([1, 0, 1]);
  });

  test('by integration are absent if the integrations could not be read, and the others are present', () => {
    const shown = gaugeSamples({ ...READ, integrationIds: undefined, values: allValues([]) });
    expect(shown.attempts).toEqual([]);
    expect(valuesOf(shown.successRatio)).toEqual([undefined]);
    expect(valuesOf(shown.dead)).toEqual([expect.any(Number)]);
    expect(valuesOf(shown.sourceUp)).toEqual([0, 1, 1]);
  });
});
