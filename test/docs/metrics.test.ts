import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { METRIC_DEFINITIONS } from '../../lambdas/contract/metrics.ts';
import { type Resource, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const rows = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(webhook\.[^`]+)` \| (.*) \|$/gm)].map(
  ([, name, rest = '']) => [name as string, ...rest.split(' | ').map((cell) => cell.trim())],
);

/** Alarms by what they look at. */
function alarmsOn(metric: string): string[] {
  const looking = resourcesOf(synthesize('local'), 'AWS::CloudWatch::Alarm').filter(([, { Properties }]) => {
    const { MetricName, Metrics = [] } = Properties;
    const names = Metrics.map(({ MetricStat }: Resource['Properties']) => MetricStat?.Metric.MetricName);
    return [MetricName, ...names].includes(metric);
  });
  return looking
    .map(([, { Properties }]) => String(Properties.AlarmName).replace('learning-time-webhooks-local-', ''))
    .toSorted();
}

test('the table has every metric, as the contract defines it, with its alarms', () => {
  const defined = METRIC_DEFINITIONS.map(({ name, unit, services, meaning, dimensions = [] }) => {
    const alarms = alarmsOn(name).map((alarm) => `[${alarm}](runbook.md#${alarm})`);
    return [name, unit.toLowerCase(), [...services, ...dimensions].join(', '), meaning, alarms.join(', ')];
  });
  expect(rows.map((row) => [...row, ''].slice(0, 5))).toEqual(defined);
});
