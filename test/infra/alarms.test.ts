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

/** A logical id without the hash that CDK appends. */
const nameOf = (id: string) => id.slice(0, -8);

/** The metrics of an alarm, and the expression over them. */
function lookedAt({ MetricName, Namespace, Dimensions, Metrics = [] }: Properties): Properties[] {
  const one = MetricName === undefined ? [] : [{ MetricName, Namespace, Dimensions }];
  return [...one, ...Metrics.flatMap(({ MetricStat }: Properties) => (MetricStat ? [MetricStat.Metric] : []))];
}

function expressionOf(name: string): string {
  return all.get(name)?.Metrics.find(({ ReturnData }: Properties) => ReturnData !== false)?.Expression;
}

describe('every alarm', () => {
  const entries = [...all];

  test.each(entries)(
    '%s describes its condition and impact, and links to the runbook',
    (name, { AlarmDescription }) => {
      expect(AlarmDescription).toMatch(/^[^.]+( 5 s[^.]*)?\. Impact: .+\. What to do: docs\/runbook\.md#/);
      expect(AlarmDescription).toMatch(new RegExp(`docs/runbook\\.md#${name}$`));
      // CloudWatch's limit.
      expect(String(AlarmDescription).length).toBeLessThanOrEqual(1024);
    },
  );

  test('has a heading in the runbook, which has no others', () => {
    const runbook = readFileSync('docs/runbook.md', 'utf8');
    const headings = [...runbook.matchAll(/^### ([a-z0-9-]+)$/gm)].map(([, heading]) => heading);
    expect(headings.toSorted()).toEqual([...all.keys()].toSorted());
  });

  test('missing data is not breaching, and leaves the alarm on the age of the credential in its state', () => {
    for (const [name, { TreatMissingData, Type }] of entries) {
      if (Type === undefined && 'AlarmRule' in (all.get(name) ?? {})) continue;
      expect([name, TreatMissingData]).toEqual([name, name === 'credential-age' ? 'ignore' : 'notBreaching']);
    }
  });

  test('has at most ten metrics, CloudWatch’s limit', () => {
    for (const alarm of singles) expect(lookedAt(alarm).length).toBeLessThanOrEqual(10);
  });

  test('evaluates at most a day, CloudWatch’s limit for periods under an hour', () => {
    for (const { AlarmName, Period, Metrics = [], EvaluationPeriods } of singles) {
      const periods = [Period, ...Metrics.map(({ MetricStat }: Properties) => MetricStat?.Period)].filter(Number);
      expect([AlarmName, Math.max(...periods) * EvaluationPeriods <= 86_400]).toEqual([AlarmName, true]);
    }
  });
});

describe('notifications', () => {
  const actionsOf = (name: string) => (all.get(name)?.AlarmActions ?? []).map(flatten);
  const pages = ['page-pipeline', 'page-warehouse', 'page-partners', 'page-critical'];

  test('an alarm notifies by itself or through its page, never both, so that one outage is one page', () => {
    const rules = composites.map(({ AlarmRule }) => flatten(AlarmRule)).join();
    for (const { id, AlarmName } of singles) {
      const name = String(AlarmName).replace(PREFIX, '');
      const isInPage = rules.includes(`<${nameOf(id)}.Arn>`);
      expect([name, actionsOf(name), isInPage]).toEqual([name, isInPage ? [] : [TOPIC], isInPage]);
    }
  });

  test('each page notifies in ALARM and in OK', () => {
    for (const name of pages) {
      expect(actionsOf(name)).toEqual([TOPIC]);
      expect((all.get(name)?.OKActions ?? []).map(flatten)).toEqual([TOPIC]);
    }
  });

  test('the pipeline’s page suppresses those of the warehouse and of partners', () => {
    const suppressorOf = (name: string) => {
      const { ActionsSuppressor } = all.get(name) ?? {};
      return ActionsSuppressor === undefined ? undefined : flatten(ActionsSuppressor);
    };
    const pipeline = `<${nameOf(String(all.get('page-pipeline')?.id))}.Arn>`;
    for (const name of ['page-warehouse', 'page-partners']) expect(suppressorOf(name)).toBe(pipeline);
    expect(suppressorOf('page-pipeline')).toBeUndefined();
  });

  test('the critical page is not suppressed and suppresses no other', () => {
    expect(all.get('page-critical')).not.toHaveProperty('ActionsSuppressor');
    const suppressors = composites.flatMap(({ ActionsSuppressor }) => ActionsSuppressor ?? []).map(flatten);
    expect(suppressors).not.toContain(`<${nameOf(String(all.get('page-critical')?.id))}.Arn>`);
  });

  test('every service that dead-letters a webhook of a critical kind fires the critical page within minutes', () => {
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

  test('`recovering` notifies that over 95% of attempts succeed again', () => {
    expect(all.get('recovering')).toMatchObject({ Threshold: 5 });
    expect(all.get('recovering')?.OKActions.map(flatten)).toEqual([TOPIC]);
  });

  test('no subscribers, unless the stage names e-mail addresses', () => {
    expect(resourcesOf(template, 'AWS::SNS::Subscription')).toEqual([]);
    const { alarmEmails } = findStage('prod', { alarmEmails: 'night@example.com, day@example.com' });
    expect(alarmEmails).toEqual(['night@example.com', 'day@example.com']);
    expect(() => findStage('prod', { alarmEmails: 'operator' })).toThrow(
      'stage prod: alarmEmails.0: "operator" is not an e-mail address',
    );
  });
});

describe('thresholds of requirements T9, T12 and W6', () => {
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

  test('backlogs of 10,000, 10 errors an hour, and a dead-letter message of seven days', () => {
    expect(all.get('backlog')).toMatchObject({ Threshold: 10_000 });
    expect(all.get('open-executions')).toMatchObject({ Threshold: 10_000 });
    expect(all.get('errors-of-an-hour')).toMatchObject({ Threshold: 10 });
    for (const kind of ['events', 'deliveries']) {
      expect(all.get(`dead-${kind}`)).toMatchObject({ Threshold: 0 });
      expect(all.get(`dead-${kind}-old`)).toMatchObject({ Threshold: 7 * 24 * 3600 });
    }
  });
});

test('only errors-of-an-hour counts back-pressure', () => {
  const watching = [...all].filter(([, properties]) =>
    lookedAt(properties).some(({ MetricName }) => MetricName === METRICS.deliveryThrottled),
  );
  expect(watching.map(([name]) => name)).toEqual(['errors-of-an-hour']);
});

test('throttled-deliveries fires after 15 minutes of throttles of DeliverTask', () => {
  const throttled = all.get('throttled-deliveries');
  const window = { Threshold: 0, Period: 300, EvaluationPeriods: 3 };
  expect(throttled).toMatchObject({ MetricName: 'Throttles', Statistic: 'Sum', ...window });
  expect(throttled.Dimensions.map(({ Value }: Properties) => flatten(Value))).toEqual([
    '<DeliveryDeliverTaskFunction>',
  ]);
});

test('undelivered-events counts the messages of every queue for failed runs', () => {
  const queues = resourcesOf(template, 'AWS::SQS::Queue').filter(([id]) => nameOf(id).endsWith('Undelivered'));
  const counted = lookedAt(all.get('undelivered-events') ?? {}).map(({ Dimensions: [{ Value }] }) => flatten(Value));
  expect(counted.toSorted()).toEqual(queues.map(([id]) => `<${nameOf(id)}.QueueName>`).toSorted());
  expect(all.get('undelivered-events')).toMatchObject({ Threshold: 0, EvaluationPeriods: 1 });
});

test('timers-overdue evaluates the measure of the hourly reconciler', () => {
  const overdue = { MetricName: METRICS.timerOverdue, Statistic: 'Maximum', Threshold: 0, Period: 3600 };
  expect(all.get('timers-overdue')).toMatchObject(overdue);
});
