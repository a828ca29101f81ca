import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { findStage } from '../../lib/stage.ts';
import { flatten, type Resource, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const template = synthesize('prod');
const PREFIX = 'learning-time-webhooks-prod-';
type Properties = Resource['Properties'];

const singles = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => ({ id, ...Properties }));
const composites = resourcesOf(template, 'AWS::CloudWatch::CompositeAlarm').map(([id, { Properties }]) => ({
  id,
  ...Properties,
}));
const all = new Map<string, Properties>(
  [...singles, ...composites].map((alarm) => [String(alarm.AlarmName).replace(PREFIX, ''), alarm]),
);
const TOPIC = '<AlarmsTopic>';

/** A logical id without the hash that CDK puts behind it. */
const nameOf = (id: string) => id.slice(0, -8);

/** What an alarm looks at: each metric, and the expression over them. */
function lookedAt({ MetricName, Namespace, Dimensions, Metrics = [] }: Properties): Properties[] {
  const one = MetricName === undefined ? [] : [{ MetricName, Namespace, Dimensions }];
  return [...one, ...Metrics.flatMap(({ MetricStat }: Properties) => (MetricStat ? [MetricStat.Metric] : []))];
}

function expressionOf(name: string): string {
  return all.get(name)?.Metrics.find(({ ReturnData }: Properties) => ReturnData !== false)?.Expression;
}

describe('every alarm', () => {
  const entries = [...all];

  test.each(entries)('%s says when it goes off, its impact, and where to read on', (name, { AlarmDescription }) => {
    expect(AlarmDescription).toMatch(/^[^.]+( 5 s[^.]*)?\. Impact: .+\. What to do: docs\/runbook\.md#/);
    expect(AlarmDescription).toMatch(new RegExp(`docs/runbook\\.md#${name}$`));
    // CloudWatch's limit.
    expect(String(AlarmDescription).length).toBeLessThanOrEqual(1024);
  });

  test('has a heading in the runbook, and no heading of an alarm is without one', () => {
    const runbook = readFileSync('docs/runbook.md', 'utf8');
    const headings = [...runbook.matchAll(/^### ([a-z0-9-]+)$/gm)].map(([, heading]) => heading);
    expect(headings.toSorted()).toEqual([...all.keys()].toSorted());
  });

  test('says what missing data means: it is in order, but for an age that nobody publishes', () => {
    for (const [name, { TreatMissingData, Type }] of entries) {
      if (Type === undefined && 'AlarmRule' in (all.get(name) ?? {})) continue;
      expect([name, TreatMissingData]).toEqual([name, name === 'credential-age' ? 'breaching' : 'notBreaching']);
    }
  });

  test('takes no more than ten metrics, which is CloudWatch’s limit for one', () => {
    for (const alarm of singles) expect(lookedAt(alarm).length).toBeLessThanOrEqual(10);
  });

  test('looks back a day at most, which is CloudWatch’s limit for periods under an hour', () => {
    for (const { AlarmName, Period, Metrics = [], EvaluationPeriods } of singles) {
      const periods = [Period, ...Metrics.map(({ MetricStat }: Properties) => MetricStat?.Period)].filter(Number);
      expect([AlarmName, Math.max(...periods) * EvaluationPeriods <= 86_400]).toEqual([AlarmName, true]);
    }
  });
});

describe('who is told', () => {
  const told = (name: string) => (all.get(name)?.AlarmActions ?? []).map(flatten);
  const pages = ['page-pipeline', 'page-warehouse', 'page-partners', 'page-critical'];

  test('an alarm of its own, or the page that it is part of: never both, so that one outage is one page', () => {
    const rules = composites.map(({ AlarmRule }) => flatten(AlarmRule)).join();
    for (const { id, AlarmName } of singles) {
      const name = String(AlarmName).replace(PREFIX, '');
      const isInPage = rules.includes(`<${nameOf(id)}.Arn>`);
      expect([name, told(name), isInPage]).toEqual([name, isInPage ? [] : [TOPIC], isInPage]);
    }
  });

  test('of each page, and of its end', () => {
    for (const name of pages) {
      expect(told(name)).toEqual([TOPIC]);
      expect((all.get(name)?.OKActions ?? []).map(flatten)).toEqual([TOPIC]);
    }
  });

  test('of the pipeline’s page alone where the warehouse’s and partners’ go off too', () => {
    const suppressorOf = (name: string) => {
      const { ActionsSuppressor } = all.get(name) ?? {};
      return ActionsSuppressor === undefined ? undefined : flatten(ActionsSuppressor);
    };
    const pipeline = `<${nameOf(String(all.get('page-pipeline')?.id))}.Arn>`;
    for (const name of ['page-warehouse', 'page-partners']) expect(suppressorOf(name)).toBe(pipeline);
    expect(suppressorOf('page-pipeline')).toBeUndefined();
  });

  test('of what must not be lost whatever else rings: nothing holds that page back, and it holds back no other', () => {
    expect(all.get('page-critical')).not.toHaveProperty('ActionsSuppressor');
    const suppressors = composites.flatMap(({ ActionsSuppressor }) => ActionsSuppressor ?? []).map(flatten);
    expect(suppressors).not.toContain(`<${nameOf(String(all.get('page-critical')?.id))}.Arn>`);
  });

  test('of each webhook of a critical kind that is given up, within minutes, whoever gave it up', () => {
    const alarm = all.get('critical-dead') ?? {};
    expect(alarm).toMatchObject({ Threshold: 0, EvaluationPeriods: 5, DatapointsToAlarm: 1 });
    const services = lookedAt(alarm).map(({ MetricName, Dimensions: [dimension] }) => [MetricName, dimension.Value]);
    expect(services).toEqual(
      ['enrichment', 'delivery', 'operations'].map((service) => [METRICS.criticalDead, service]),
    );
    const { MetricStat } = alarm.Metrics.find((query: Properties) => query.MetricStat);
    expect(MetricStat).toMatchObject({ Period: 60, Stat: 'Sum' });
    expect(flatten(all.get('page-critical')?.AlarmRule)).toBe(`(ALARM("<${nameOf(String(alarm.id))}.Arn>"))`);
  });

  test('that deliveries have recovered, over 95%', () => {
    expect(all.get('recovering')).toMatchObject({ Threshold: 5 });
    expect(all.get('recovering')?.OKActions.map(flatten)).toEqual([TOPIC]);
  });

  test('nobody, until the stage names somebody; each address is asked to confirm', () => {
    expect(resourcesOf(template, 'AWS::SNS::Subscription')).toEqual([]);
    const { alarmEmails } = findStage('prod', { alarmEmails: 'night@example.com, day@example.com' });
    expect(alarmEmails).toEqual(['night@example.com', 'day@example.com']);
    expect(() => findStage('prod', { alarmEmails: 'nobody' })).toThrow(
      'stage prod: alarmEmails.0: "nobody" is no e-mail address',
    );
  });
});

describe('document 001’s thresholds', () => {
  test.each([
    ['warehouse-slow', METRICS.queryDuration, 'p95', 5000],
    ['enrichment-slow', METRICS.taskDuration, 'p95', 10],
    ['credential-age', METRICS.credentialAge, 'Maximum', 80],
  ])('%s: %s, %s over %i', (name, MetricName, statistic, Threshold) => {
    const alarm = all.get(name);
    expect(alarm).toMatchObject({ MetricName, Threshold });
    expect(alarm?.ExtendedStatistic ?? alarm?.Statistic).toBe(statistic);
  });

  test.each([
    ['warehouse-failing', 'queryFailure', 5],
    ['cache-misses', 'cacheMiss', 20],
    // `fallbacks` and `failed-attempts`: harm-alarms.test.ts.
    ['failed-attempts-warning', 'deliveryRetry', 10],
  ])('%s: a share of %s over %i%%', (name, part, Threshold) => {
    expect(all.get(name)).toMatchObject({ Threshold });
    expect(expressionOf(name)).toMatch(new RegExp(`100 \\* \\(FILL\\(${part}, 0\\)`));
  });

  test('backlogs of 10,000, 10 errors an hour, and a dead letter of seven days', () => {
    expect(all.get('backlog')).toMatchObject({ Threshold: 10_000 });
    expect(all.get('open-executions')).toMatchObject({ Threshold: 10_000 });
    expect(all.get('errors-of-an-hour')).toMatchObject({ Threshold: 10 });
    for (const kind of ['events', 'deliveries']) {
      expect(all.get(`dead-${kind}`)).toMatchObject({ Threshold: 0 });
      expect(all.get(`dead-${kind}-old`)).toMatchObject({ Threshold: 7 * 24 * 3600 });
    }
  });
});

test('back-pressure is in one alarm, the one of an hour, and in none that means failure', () => {
  const watching = [...all].filter(([, properties]) =>
    lookedAt(properties).some(({ MetricName }) => MetricName === METRICS.deliveryThrottled),
  );
  expect(watching.map(([name]) => name)).toEqual(['errors-of-an-hour']);
});

test('a throttled DeliverTask is reported after a quarter of an hour', () => {
  const throttled = all.get('throttled-deliveries');
  const window = { Threshold: 0, Period: 300, EvaluationPeriods: 3 };
  expect(throttled).toMatchObject({ MetricName: 'Throttles', Statistic: 'Sum', ...window });
  expect(throttled.Dimensions.map(({ Value }: Properties) => flatten(Value))).toEqual([
    '<DeliveryDeliverTaskFunction>',
  ]);
});

test('events that wait and that nobody wakes are told, from the hourly run’s own measure', () => {
  const overdue = { MetricName: METRICS.timerOverdue, Statistic: 'Maximum', Threshold: 0, Period: 3600 };
  expect(all.get('timers-overdue')).toMatchObject(overdue);
});
