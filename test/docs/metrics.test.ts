import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { METRIC_DEFINITIONS } from '../../lambdas/contract/metrics.ts';
import { type Resource, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const rows = readFileSync('docs/metrics.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `webhook.'))
  .map((line) => line.split('|').slice(1, -1))
  .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')));

const alarms = resourcesOf(synthesize('local'), 'AWS::CloudWatch::Alarm');

/** Alarms by what they look at. */
function alarmsOn(metric: string): string[] {
  const looking = alarms.filter(([, { Properties }]) => {
    const { MetricName, Metrics = [] } = Properties;
    const names = Metrics.map(({ MetricStat }: Resource['Properties']) => MetricStat?.Metric.MetricName);
    return [MetricName, ...names].includes(metric);
  });
  return looking
    .map(([, { Properties }]) => String(Properties.AlarmName).replace('learning-time-webhooks-local-', ''))
    .toSorted();
}

test('the table has every metric, as the contract defines it, with its alarms', () => {
  const defined = METRIC_DEFINITIONS.map(({ name, unit, services, meaning, dimensions = {} }) => {
    const linked = alarmsOn(name).map((alarm) => `[${alarm}](runbook.md#${alarm})`);
    return [name, unit.toLowerCase(), [...services, ...Object.keys(dimensions)].join(', '), meaning, linked.join(', ')];
  });
  expect(rows).toEqual(defined);
});
