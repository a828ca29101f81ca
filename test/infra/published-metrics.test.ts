import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { metricQueries } from '../../commands/rollout/read-measures.ts';
import { ageQuery, integrationQueries, ownQuery, WAREHOUSE_METRICS } from '../../commands/status/status-queries.ts';
import { METRIC_DEFINITIONS, METRICS, metricsNamespace } from '../../lambdas/shared/metric-definitions.ts';
import { gaugeQueries } from '../../lambdas/status/gauges.ts';
import { STAGE_NAMES } from '../../lib/stage.ts';
import { faultOf, type NamedMetric, namedMetrics } from '../support/published-metrics.ts';
import { resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const prod = synthesize('prod');
const OURS = metricsNamespace('prod');
const QUEUE = '<QueuesEvents.QueueName>';

/** Metrics with a fault, each with the fault. */
function faults(metrics: readonly (readonly [string, NamedMetric])[], namespace = OURS, template = prod): string[] {
  return metrics.flatMap(([where, metric]) => {
    const fault = faultOf(metric, namespace, template);
    return fault === undefined ? [] : [`${where}: ${metric.name}: ${fault}`];
  });
}

describe('every metric that is read is published', () => {
  test.each(STAGE_NAMES)('in alarms and panels of %s', (name) => {
    const template = synthesize(name);
    const named = namedMetrics(template);
    expect(named.length).toBeGreaterThan(100);
    expect(faults(named, metricsNamespace(name), template)).toEqual([]);
  });

  test('in the status API and /metrics', () => {
    const queues = { events: QUEUE, deliveries: QUEUE, events_dead_letters: QUEUE, deliveries_dead_letters: QUEUE };
    const queried = gaugeQueries(OURS, ['acme'], queues).map(
      ({ periodSeconds: period, key, ...query }) => [key, { ...query, period }] as const,
    );
    expect(faults(queried)).toEqual([]);
  });

  test.each([
    ['the rollout’s criteria', metricQueries('prod', [QUEUE], { fromMs: 0, untilMs: 86_400_000 })],
    [
      'the status',
      [
        ...WAREHOUSE_METRICS.map((name) => ownQuery('own', 'prod', name)),
        ownQuery('unbalanced', 'prod', METRICS.ledgerUnbalanced),
        ...integrationQueries('prod', ['acme']),
        ageQuery('age', QUEUE),
      ],
    ],
  ])('in %s', (_, queries) => {
    const queried = queries.map(({ Id = '', MetricStat: { Metric, Period = 0, Stat = '' } = {} }) => {
      const dimensions = Object.fromEntries((Metric?.Dimensions ?? []).map(({ Name, Value }) => [Name, String(Value)]));
      const named = { namespace: String(Metric?.Namespace), name: String(Metric?.MetricName) };
      return [Id, { ...named, dimensions, statistic: Stat, period: Period }] as const;
    });
    expect(faults(queried)).toEqual([]);
  });
});

/** Metrics that a code base counts or measures, in all files that its functions import. */
async function countedBy(service: string): Promise<ReadonlySet<string>> {
  const entryPoints = resourcesOf(prod, 'AWS::Lambda::Function')
    .map(([, { Properties }]) => Properties)
    .filter(({ Environment }) => Environment.Variables.POWERTOOLS_SERVICE_NAME === service)
    .map(({ Handler }) => `lambdas/${service}/${Handler.split('.')[0]}.ts`);
  const { metafile } = await build({
    ...{ entryPoints, bundle: true, metafile: true, write: false, outdir: 'unwritten' },
    ...{ packages: 'external', platform: 'node', format: 'esm', tsconfigRaw: {} },
  });
  const found = Object.keys(metafile.inputs).flatMap((file) => countedIn(readFileSync(file, 'utf8'), file));
  return new Set(found);
}

/** The metrics in calls of `count` and `measure`. */
function countedIn(source: string, file: string): string[] {
  const calls = [...source.matchAll(/\bcounter\.(?:count|measure)\(([^;]*)\)/g)];
  return calls.flatMap(([, text = '']) => {
    // The metric is looked up in a table.
    const [, table] = /^([A-Z_]+)\[/.exec(text) ?? [];
    const named = table === undefined ? text : (source.split(`const ${table} = {`)[1]?.split('}')[0] ?? '');
    const keys = [...named.matchAll(/METRICS\.(\w+)/g)].map(([, key = '']) => key);
    if (keys.length === 0) throw new Error(`${file}: unknown metric ${text}`);
    return keys;
  });
}

test.each(['enrichment', 'delivery', 'operations', 'status'] as const)(
  'functions of %s count what the table lists for them',
  async (service) => {
    const counted = await countedBy(service);
    const names = Object.fromEntries(Object.entries(METRICS).map(([key, name]) => [name, key]));
    const said = METRIC_DEFINITIONS.filter(({ services }) => services.some((each) => each === service));
    expect(said.map(({ name }) => names[name]).filter((key) => !counted.has(key ?? ''))).toEqual([]);
    const others = [...counted].filter((key) => !said.some(({ name }) => names[name] === key));
    // In the ledger, in code that only the delivering functions call.
    expect(others).toEqual(service === 'enrichment' ? ['deliveryDuplicate'] : []);
  },
);
