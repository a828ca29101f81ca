import { describe, expect, test } from '@jest/globals';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { flatten, type Resource, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const template = synthesize('prod');
const alarms = new Map(
  resourcesOf(template, 'AWS::CloudWatch::Alarm')
    .filter(([id]) => id.startsWith('HarmAlarms'))
    .map(([id, alarm]) => [
      String(alarm.Properties.AlarmName).replace('learning-time-webhooks-prod-', ''),
      { id, ...alarm.Properties },
    ]),
);

/** All resources that a resource depends on, transitively. */
function reached(id: string, seen = new Set<string>()): Set<string> {
  for (const named of namesIn(template.Resources[id])) {
    if (seen.has(named)) continue;
    seen.add(named);
    reached(named, seen);
  }
  return seen;
}

function namesIn(resource: Resource | undefined): string[] {
  const text = JSON.stringify(resource);
  const names = [...text.matchAll(/"(?:Ref|Fn::GetAtt)":\[?"([A-Za-z0-9]+)"/g)].map(([, name]) => String(name));
  const { DependsOn = [] } = resource as unknown as { DependsOn?: string | string[] };
  return [...names, ...[DependsOn].flat()].filter((name) => name in template.Resources);
}

const DELIVERED = 'FILL(deliveredWithLearningTime, 0) + FILL(deliveredWithoutLearningTime, 0)';
const FAILED = 'FILL(deliveryRetry, 0) + FILL(deliveryDead, 0)';

describe('harm alarms', () => {
  test('are four, and missing data fires none: AppConfig would roll back for it', () => {
    expect([...alarms.keys()].sort()).toEqual(['delivery-age', 'event-age', 'failed-attempts', 'fallbacks']);
    for (const alarm of alarms.values()) expect(alarm).toMatchObject({ TreatMissingData: 'notBreaching' });
  });

  test('evaluate at most five minutes', () => {
    for (const { Period, Metrics = [], EvaluationPeriods } of alarms.values()) {
      const periods = [
        Period,
        ...Metrics.map(({ MetricStat }: Resource['Properties']) => MetricStat?.Metric && MetricStat.Period),
      ];
      const longest = Math.max(...periods.filter((period) => period !== undefined));
      expect(longest * EvaluationPeriods).toBeLessThanOrEqual(300);
    }
  });

  test.each([
    ['failed-attempts', `IF(${DELIVERED} + ${FAILED} >= 10, 100 * (${FAILED}) / (${DELIVERED} + ${FAILED}), 0)`],
    ['fallbacks', `IF(${DELIVERED} >= 10, 100 * (FILL(enrichmentFallback, 0)) / (${DELIVERED}), 0)`],
  ])('%s: over 20%% of what the delivering functions counted', (name, expression) => {
    const { Metrics, Threshold, ComparisonOperator } = alarms.get(name) ?? {};
    expect([Threshold, ComparisonOperator]).toEqual([20, 'GreaterThanThreshold']);
    const [share, ...counted] = Metrics.toSorted(
      (one: Resource['Properties'], other: Resource['Properties']) =>
        Number('MetricStat' in one) - Number('MetricStat' in other),
    );
    expect(share.Expression).toBe(expression);
    for (const { Id, MetricStat } of counted) {
      const Metric = {
        MetricName: METRICS[Id as 'deliveryDead'],
        Dimensions: [{ Name: 'service', Value: 'delivery' }],
      };
      expect(MetricStat).toMatchObject({ Metric, Period: 300, Stat: 'Sum' });
    }
  });

  test.each([
    ['event-age', '<QueuesEvents.QueueName>', 300],
    ['delivery-age', '<QueuesDeliveries.QueueName>', 960],
  ])('%s: the oldest message of a queue', (name, queue, threshold) => {
    const { Dimensions, MetricName, Namespace, Statistic, Threshold } = alarms.get(name) ?? {};
    expect({ MetricName, Namespace, Statistic, Threshold }).toEqual({
      ...{ MetricName: 'ApproximateAgeOfOldestMessage', Namespace: 'AWS/SQS', Statistic: 'Maximum' },
      Threshold: threshold,
    });
    expect(flatten(Dimensions[0].Value)).toBe(queue);
  });
});

describe('AppConfig', () => {
  const environments = resourcesOf(template, 'AWS::AppConfig::Environment');
  const watched = (name: string) => {
    const [id, environment] = environments.find(([, { Properties }]) => Properties.Name === name) ?? [];
    const monitors: Resource['Properties'][] = environment?.Properties.Monitors;
    const names = monitors.map(
      ({ AlarmArn }) => [...alarms].find(([, alarm]) => alarm.id === AlarmArn['Fn::GetAtt'][0])?.[0],
    );
    return { id: String(id), names, roles: new Set(monitors.map(({ AlarmRoleArn }) => flatten(AlarmRoleArn))) };
  };

  test('monitors fast alarms for the flag, and alarms on partners for the integrations', () => {
    expect(watched('flags').names).toEqual(['failed-attempts', 'fallbacks', 'event-age']);
    expect(watched('integrations').names).toEqual(['failed-attempts', 'event-age', 'delivery-age']);
  });

  test.each([
    ['flags', 'learning-time-webhooks-prod-flags'],
    ['integrations', 'learning-time-webhooks-prod-integrations'],
  ])('%s: a message under a new version can fire the age alarms within the bake time', (name, strategyName) => {
    const [, strategy] =
      resourcesOf(template, 'AWS::AppConfig::DeploymentStrategy').find(
        ([, { Properties }]) => Properties.Name === strategyName,
      ) ?? [];
    const bakeSeconds = strategy?.Properties.FinalBakeTimeInMinutes * 60;
    const ages = watched(name).names.flatMap((alarmName) => {
      const { MetricName, Threshold, Period, EvaluationPeriods } = alarms.get(String(alarmName)) ?? {};
      return MetricName === 'ApproximateAgeOfOldestMessage' ? [Threshold + Period * EvaluationPeriods] : [];
    });
    expect(ages.length).toBeGreaterThan(0);
    for (const age of ages) expect(age).toBeLessThan(bakeSeconds);
  });

  test('reads alarms with its own role', () => {
    expect([...watched('flags').roles, ...watched('integrations').roles]).toEqual(
      Array(2).fill('<ConfigurationAlarmReader.Arn>'),
    );
    const [role] = resourcesOf(template, 'AWS::IAM::Role').filter(([id]) => id.startsWith('ConfigurationAlarmReader'));
    expect(role?.[1].Properties.AssumeRolePolicyDocument.Statement).toEqual([
      { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'appconfig.amazonaws.com' } },
    ]);
  });

  test('gets the seeds after the cache, minutes after the alarms: a new alarm is INSUFFICIENT_DATA', () => {
    const seeds = resourcesOf(template, 'AWS::AppConfig::Deployment').map(([id]) => id);
    expect(seeds).toHaveLength(2);
    const [[cache] = ['']] = resourcesOf(template, 'AWS::ElastiCache::ServerlessCache');
    for (const id of seeds) expect(namesIn(template.Resources[id])).toContain(cache);
    for (const { id } of alarms.values()) expect([...reached(id)]).not.toContain(cache);
  });

  test('no alarm and no environment depends on a function, which depends on the environments', () => {
    const { id } = watched('flags');
    const functions = resourcesOf(template, 'AWS::Lambda::Function').map(([name]) => name);
    for (const start of [id, watched('integrations').id, ...[...alarms.values()].map((alarm) => alarm.id)]) {
      expect(functions.filter((name) => reached(start).has(name))).toEqual([]);
    }
    // Proof that a dependency would be found.
    expect(functions.some((name) => reached(name).has(id))).toBe(true);
  });
});
