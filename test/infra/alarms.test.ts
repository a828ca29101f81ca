import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { flatten, propertiesOf, type Resource, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const template = synthesize('prod');
const PREFIX = 'learning-time-webhooks-prod-';
const TOPIC = '<AlarmsTopic>';
type Properties = Resource['Properties'];

const alarmsOf = (type: string) =>
  new Map<string, Properties>(
    resourcesOf(template, type).map(([id, { Properties }]) => [
      String(Properties.AlarmName).replace(PREFIX, ''),
      { ...Properties, id, arn: `<${id.slice(0, -8)}.Arn>` },
    ]),
  );
const singles = alarmsOf('AWS::CloudWatch::Alarm');
const pages = alarmsOf('AWS::CloudWatch::CompositeAlarm');
const all = new Map([...singles, ...pages]);

/** The metrics that an alarm reads. */
function readBy({ Metrics = [], ...alarm }: Properties): Properties[] {
  const { MetricName, Dimensions, Period, Statistic, ExtendedStatistic } = alarm;
  if (MetricName !== undefined) return [{ MetricName, Dimensions, Period, Stat: Statistic ?? ExtendedStatistic }];
  return Metrics.flatMap(({ MetricStat }: Properties) =>
    MetricStat === undefined ? [] : [{ ...MetricStat.Metric, Period: MetricStat.Period, Stat: MetricStat.Stat }],
  );
}

const OPERATORS: Readonly<Record<string, string>> = { GreaterThanThreshold: '>', LessThanThreshold: '<' };

/** `Maximum of webhook.timer.overdue > 0 in 1 of 1 × 3600 s`. */
function condition(alarm: Properties): string {
  const { Metrics = [], Threshold, EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = alarm;
  const read = readBy(alarm);
  const share = Metrics.map(({ Expression = '' }) => Expression).find((text: string) => text.startsWith('IF('));
  const what = share?.replaceAll(/FILL\((\w+), 0\)/g, '$1') ?? unique(read.map(({ MetricName }) => MetricName));
  const window = `${DatapointsToAlarm} of ${EvaluationPeriods} × ${unique(read.map(({ Period }) => Period))} s`;
  return `${unique(read.map(({ Stat }) => Stat))} of ${what} ${OPERATORS[alarm.ComparisonOperator]} ${Threshold} in ${window}`;
}
const unique = (values: readonly unknown[]) => [...new Set(values)].join(', ');

const DELIVERED = 'deliveredWithLearningTime + deliveredWithoutLearningTime';
const ATTEMPTS = `${DELIVERED} + deliveryRetry + deliveryDead`;
const FAILED_SHARE = `IF(${ATTEMPTS} >= 10, 100 * (deliveryRetry + deliveryDead) / (${ATTEMPTS}), 0)`;
const VISIBLE = 'ApproximateNumberOfMessagesVisible';
const AGE = 'Maximum of ApproximateAgeOfOldestMessage';
const WEEK_OLD = `${AGE} > 604800 in 1 of 1 × 300 s`;
const ANY_MESSAGE = `Maximum of ${VISIBLE} > 0 in 1 of 1 × 300 s`;

/** Thresholds are those of requirements T9, T12 and W6, and of docs/runbook.md. */
const CONDITIONS: Readonly<Record<string, string>> = {
  'failed-attempts': `Sum of ${FAILED_SHARE} > 20 in 1 of 1 × 300 s`,
  'failed-attempts-warning': `Sum of ${FAILED_SHARE} > 10 in 1 of 1 × 900 s`,
  recovering: `Sum of ${FAILED_SHARE} > 5 in 1 of 1 × 900 s`,
  fallbacks: `Sum of IF(${DELIVERED} >= 10, 100 * (enrichmentFallback) / (${DELIVERED}), 0) > 20 in 1 of 1 × 300 s`,
  'event-age': `${AGE} > 300 in 1 of 1 × 60 s`,
  'delivery-age': `${AGE} > 960 in 1 of 1 × 60 s`,
  backlog: `Maximum of ${VISIBLE} > 10000 in 1 of 1 × 300 s`,
  'function-errors': 'Sum of Errors > 0 in 3 of 3 × 300 s',
  'failing-functions': 'Sum of Errors > 3 in 1 of 1 × 3600 s',
  'throttled-functions': 'Sum of Throttles > 0 in 3 of 3 × 300 s',
  'throttled-deliveries': 'Sum of Throttles > 0 in 3 of 3 × 300 s',
  'nat-ports': 'Sum of ErrorPortAllocation > 0 in 1 of 1 × 300 s',
  'workflow-failures': 'Sum of ExecutionsFailed, ExecutionsTimedOut, ExecutionsAborted > 0 in 1 of 1 × 300 s',
  'open-executions': 'Maximum of OpenExecutionCount > 10000 in 1 of 1 × 300 s',
  'throttled-starts': 'Sum of ThrottledEvents > 0 in 3 of 3 × 300 s',
  'ledger-unavailable': 'Sum of webhook.ledger.unavailable > 0 in 3 of 3 × 300 s',
  'ledger-unbalanced': 'Sum of webhook.ledger.unbalanced > 0 in 1 of 1 × 300 s',
  'outcomes-waiting': `Maximum of ${VISIBLE}, ApproximateNumberOfMessagesNotVisible > 0 in 6 of 6 × 300 s`,
  'outcomes-lost': 'Sum of webhook.ledger.outcome_lost > 0 in 1 of 1 × 300 s',
  'operational-events-failed': 'Sum of webhook.operational_event.failed > 0 in 1 of 1 × 300 s',
  'reconciler-behind': 'Maximum of webhook.ledger.behind > 7200 in 1 of 1 × 3600 s',
  'timers-overdue': 'Maximum of webhook.timer.overdue > 0 in 1 of 1 × 3600 s',
  'undelivered-events': ANY_MESSAGE,
  'dead-events': ANY_MESSAGE,
  'dead-events-old': WEEK_OLD,
  'dead-deliveries': ANY_MESSAGE,
  'dead-deliveries-old': WEEK_OLD,
  'dead-outcomes': ANY_MESSAGE,
  'dead-outcomes-old': WEEK_OLD,
  'warehouse-failing':
    'Sum of IF(querySuccess + queryFailure >= 10, 100 * (queryFailure) / (querySuccess + queryFailure), 0) ' +
    '> 5 in 1 of 1 × 900 s',
  'warehouse-slow': 'p95 of webhook.learning_time.query.duration > 5000 in 3 of 3 × 300 s',
  'cache-misses':
    'Sum of IF(cacheHit + cacheMiss >= 100, 100 * (cacheMiss) / (cacheHit + cacheMiss), 0) > 20 in 3 of 3 × 3600 s',
  'warm-late': 'Minimum, Sum of webhook.warming.behind, Errors > 0 in 3 of 3 × 3600 s',
  'warm-incomplete': 'Sum of webhook.warming.incomplete > 2 in 1 of 1 × 3600 s',
  'warm-shrunk': 'Sum of webhook.warming.shrunk > 0 in 1 of 1 × 3600 s',
  'warm-unreadable': 'Sum of webhook.warming.unreadable > 0 in 1 of 1 × 3600 s',
  'enrichment-slow': 'p95 of webhook.enrichment.task.duration > 10 in 3 of 3 × 300 s',
  'credential-age': 'Maximum of webhook.credential.age > 80 in 1 of 1 × 86400 s',
  'certificate-expiry': 'Minimum of webhook.certificate.days_left < 30 in 1 of 1 × 86400 s',
  'flag-unreadable': 'Sum of webhook.feature.error > 0 in 1 of 1 × 900 s',
  'errors-of-an-hour':
    'Sum of webhook.delivery.retry, webhook.delivery.dead, webhook.delivery.throttled > 10 in 1 of 1 × 3600 s',
  // A probe each hour counts again.
  'integration-parked': 'Sum of webhook.integration.parked > 0 in 1 of 2 × 3600 s',
  // A count reaches CloudWatch some minutes late.
  'critical-dead': 'Sum of webhook.delivery.critical_dead > 0 in 1 of 5 × 60 s',
};

describe('every alarm', () => {
  test('fires above its threshold, or below the days that a certificate should have, and missing data changes nothing', () => {
    const found = [...singles].map(([name, alarm]) => [name, condition(alarm)]);
    expect(Object.fromEntries(found)).toEqual(CONDITIONS);
    for (const [name, { TreatMissingData }] of singles) {
      const missing = name === 'credential-age' ? 'ignore' : 'notBreaching';
      expect([name, TreatMissingData]).toEqual([name, missing]);
    }
  });

  test('counts a metric without data as 0, in sums and shares', () => {
    const expressions = [...singles.values()].flatMap(({ Metrics = [] }) =>
      Metrics.flatMap(({ Expression = [] }: Properties) => Expression),
    );
    expect(expressions.length).toBeGreaterThan(15);
    for (const expression of expressions) {
      const withoutMetrics = expression.replaceAll(/FILL\(\w+, 0\)/g, 'n').replaceAll(/n( \+ n)*/g, 'n');
      expect(withoutMetrics).toMatch(/^(n|IF\(n >= \d+, 100 \* \(n\) \/ \(n\), 0\))$/);
    }
  });

  test('describes condition and impact, and links to its heading in the runbook, which has no others', () => {
    for (const [name, { AlarmDescription }] of all) {
      expect(AlarmDescription).toMatch(/^[^.]+( 5 s[^.]*)?\. Impact: .+\. What to do: docs\/runbook\.md#/);
      expect(String(AlarmDescription).split('#').at(-1)).toBe(name);
      // CloudWatch's limit.
      expect(String(AlarmDescription).length).toBeLessThanOrEqual(1024);
    }
    const runbook = readFileSync('docs/runbook.md', 'utf8');
    const headings = [...runbook.matchAll(/^### ([a-z0-9-]+)$/gm)].map(([, heading]) => heading);
    expect(headings.toSorted()).toEqual([...all.keys()].toSorted());
  });

  test('stays within CloudWatch’s limits: ten metrics, and a day', () => {
    for (const [name, alarm] of singles) {
      const read = readBy(alarm);
      const seconds = Math.max(...read.map(({ Period }) => Period)) * alarm.EvaluationPeriods;
      expect([name, read.length <= 10, seconds <= 86_400]).toEqual([name, true, true]);
    }
  });
});

describe('what alarms watch', () => {
  const functionsOf = (...names: string[]) =>
    names.flatMap((name) => readBy(all.get(name)).map(({ Dimensions: [{ Value }] }) => flatten(Value)));

  test('errors of every function, except those that only operators invoke', () => {
    const functions = resourcesOf(template, 'AWS::Lambda::Function').map(([id]) => flatten({ Ref: id }));
    const watched = functions.filter((name) => !/(SendTest|CheckWarehouse)Function>$/.test(name));
    // The other metric of `warm-late` is of a service.
    const found = functionsOf('function-errors', 'failing-functions', 'warm-late').filter((name) => name !== 'warming');
    expect(found.toSorted()).toEqual(watched.toSorted());
    const readers = ['<EnrichmentEnrichBatchFunction>', '<DeliveryDeliverBatchFunction>'];
    for (const name of ['function-errors', 'throttled-functions']) expect(functionsOf(name)).toEqual(readers);
    expect(functionsOf('throttled-deliveries')).toEqual(['<DeliveryDeliverTaskFunction>']);
  });

  test('messages of their queues', () => {
    const queuesOf = (...names: string[]) => functionsOf(...names).map((name) => name.replace(/^<|\.QueueName>$/g, ''));
    const undelivered = resourcesOf(template, 'AWS::SQS::Queue').filter(([id]) =>
      id.slice(0, -8).endsWith('Undelivered'),
    );
    expect(queuesOf('undelivered-events').toSorted()).toEqual(undelivered.map(([id]) => id.slice(0, -8)).toSorted());
    expect(queuesOf('event-age', 'backlog', 'delivery-age')).toEqual([
      ...['QueuesEvents', 'QueuesEvents', 'QueuesDeliveries'],
    ]);
    for (const name of ['Events', 'Deliveries', 'Outcomes']) {
      const dead = `dead-${name.toLowerCase()}`;
      expect(queuesOf(dead, `${dead}-old`)).toEqual(Array(2).fill(`Queues${name}DeadLetters`));
    }
  });

  test('every service that dead-letters a webhook of a critical kind', () => {
    expect(functionsOf('critical-dead')).toEqual(['enrichment', 'delivery', 'operations']);
  });
});

describe('notifications', () => {
  const actionsOf = ({ AlarmActions = [], OKActions = [] }: Properties) =>
    [AlarmActions, OKActions].map((actions) => actions.map(flatten));

  test('an alarm notifies by itself or through its page, never both, so that one outage is one page', () => {
    const rules = [...pages.values()].map(({ AlarmRule }) => flatten(AlarmRule)).join();
    for (const [name, alarm] of singles) {
      const isInPage = rules.includes(alarm.arn);
      const whenOk = name === 'recovering' ? [TOPIC] : [];
      expect([name, actionsOf(alarm)]).toEqual([name, isInPage ? [[], []] : [[TOPIC], whenOk]]);
    }
  });

  test('each page includes its alarms, and notifies in ALARM and in OK', () => {
    const included = [...pages].map(([name, page]) => {
      expect(actionsOf(page)).toEqual([[TOPIC], [TOPIC]]);
      return [
        name,
        [...singles].flatMap(([single, { arn }]) => (flatten(page.AlarmRule).includes(arn) ? [single] : [])),
      ];
    });
    expect(Object.fromEntries(included)).toEqual({
      'page-pipeline': ['event-age', 'delivery-age', 'backlog', 'function-errors', 'ledger-unavailable', 'nat-ports'],
      'page-warehouse': ['fallbacks', 'warehouse-failing', 'warehouse-slow'],
      'page-partners': ['failed-attempts', 'dead-events-old', 'dead-deliveries-old', 'dead-outcomes-old'],
      'page-critical': ['critical-dead'],
    });
  });

  test('the pipeline’s page suppresses those of the warehouse and of partners, and nothing the critical one', () => {
    const suppressors = [...pages].map(([name, { ActionsSuppressor = '' }]) => [name, flatten(ActionsSuppressor)]);
    const pipeline = pages.get('page-pipeline')?.arn;
    expect(Object.fromEntries(suppressors)).toEqual({
      'page-pipeline': '',
      'page-warehouse': pipeline,
      'page-partners': pipeline,
      'page-critical': '',
    });
  });

  test('only the stage’s e-mail addresses are subscribed', () => {
    const subscribed = (name: string) =>
      propertiesOf(synthesize(name), 'AWS::SNS::Subscription').map(({ Protocol, Endpoint }) => [Protocol, Endpoint]);
    expect(subscribed('prod')).toEqual([]);
    expect(subscribed('prod with all options')).toEqual([
      ['email', 'night@example.com'],
      ['email', 'day@example.com'],
    ]);
  });
});

/** All resources that a resource depends on, transitively. */
function reached(id: string, seen = new Set<string>()): Set<string> {
  for (const named of namesIn(id)) {
    if (seen.has(named)) continue;
    seen.add(named);
    reached(named, seen);
  }
  return seen;
}

function namesIn(id: string): string[] {
  const resource = template.Resources[id] as Resource & { readonly DependsOn?: string | readonly string[] };
  const names = [...JSON.stringify(resource).matchAll(/"(?:Ref|Fn::GetAtt)":\[?"([A-Za-z0-9]+)"/g)];
  const all = [...names.map(([, name]) => String(name)), ...[resource.DependsOn ?? []].flat()];
  return all.filter((name) => name in template.Resources);
}

describe('alarms that AppConfig monitors', () => {
  const environments = resourcesOf(template, 'AWS::AppConfig::Environment');
  const monitored = environments.map(([id, { Properties }]) => {
    const names = Properties.Monitors.map(
      ({ AlarmArn }: Properties) => [...singles].find(([, alarm]) => alarm.arn === flatten(AlarmArn))?.[0],
    );
    return { id, name: String(Properties.Name), names: names as string[] };
  });

  test('are fast ones for the flag, and ones on partners for the integrations', () => {
    expect(monitored.map(({ name, names }) => [name, names])).toEqual([
      ['flags', ['failed-attempts', 'fallbacks', 'event-age']],
      ['integrations', ['failed-attempts', 'event-age', 'delivery-age']],
    ]);
    for (const { Monitors } of environments.map(([, { Properties }]) => Properties)) {
      expect(new Set(Monitors.map(({ AlarmRoleArn }: Properties) => flatten(AlarmRoleArn)))).toEqual(
        new Set(['<ConfigurationAlarmReader.Arn>']),
      );
    }
  });

  test('can fire for a message under a new version within the bake time', () => {
    const strategies = propertiesOf(template, 'AWS::AppConfig::DeploymentStrategy');
    for (const { name, names } of monitored) {
      const { FinalBakeTimeInMinutes } = strategies.find(({ Name }) => Name === `learning-time-webhooks-prod-${name}`);
      for (const alarm of names.map((each) => all.get(each))) {
        const [{ Period, MetricName }] = readBy(alarm) as [Properties];
        const waited = MetricName === 'ApproximateAgeOfOldestMessage' ? alarm.Threshold : 0;
        expect(waited + Period * alarm.EvaluationPeriods).toBeLessThan(FinalBakeTimeInMinutes * 60);
      }
    }
  });

  test('exist minutes before the seeds are deployed: a new alarm is INSUFFICIENT_DATA', () => {
    const [[cache] = ['']] = resourcesOf(template, 'AWS::ElastiCache::ServerlessCache');
    const seeds = resourcesOf(template, 'AWS::AppConfig::Deployment').map(([id]) => id);
    expect(seeds.map((id) => namesIn(id).includes(cache))).toEqual([true, true]);
    for (const { names } of monitored) {
      for (const name of names) expect([...reached(all.get(name)?.id)]).not.toContain(cache);
    }
  });

  test('depend on no function, which depends on the environments', () => {
    const functions = resourcesOf(template, 'AWS::Lambda::Function').map(([id]) => id);
    for (const { id } of monitored) {
      // The environment depends on its alarms.
      expect(functions.filter((fn) => reached(id).has(fn))).toEqual([]);
      expect(functions.some((fn) => reached(fn).has(id))).toBe(true);
    }
  });
});
