import { expect, test } from '@jest/globals';
import { LocalAlarms, registerAlarms } from '../../../local/cloudwatch/alarms.ts';

import { LocalMetrics } from '../../../local/cloudwatch/metrics.ts';
import { resolverOf } from '../../support/running-platform.ts';

const NOW = Date.parse('2026-01-15T12:00:00Z');
const MINUTE_MS = 60_000;

/** One alarm on a sum over a minute, over 1, twice in a row, and a page that is made of it. */
function start(properties: object = {}) {
  const alarm = {
    AlarmName: 'single',
    AlarmDescription: 'says',
    Namespace: 'ours',
    MetricName: 'm',
    Dimensions: [{ Name: 'service', Value: 's' }],
    Period: 60,
    Statistic: 'Sum',
    Threshold: 1,
    EvaluationPeriods: 2,
    TreatMissingData: 'notBreaching',
    ...properties,
  };
  const AlarmRule = { 'Fn::Join': ['', ['ALARM("', { 'Fn::GetAtt': ['Single', 'Arn'] }, '")']] };
  const resources = {
    Single: { Type: 'AWS::CloudWatch::Alarm', Properties: alarm },
    Page: { Type: 'AWS::CloudWatch::CompositeAlarm', Properties: { AlarmName: 'page', AlarmRule } },
  };
  const resolver = resolverOf(resources);
  registerAlarms(resolver);
  const metrics = new LocalMetrics();
  const set = new Set<string>();
  const alarms = new LocalAlarms({ resolver, metrics, isSet: (arn) => set.has(arn) });
  return {
    set,
    publish: (agoMs: number, value: number) =>
      metrics.record({ namespace: 'ours', name: 'm', dimensions: { service: 's' } }, NOW - agoMs, [value]),
    states: () => Object.fromEntries(alarms.describe(NOW).map(({ name, state }) => [name, state])),
  };
}

test('rings where every period is over the threshold, and the page with it', () => {
  const { publish, states } = start();
  expect(states()).toEqual({ single: 'OK', page: 'OK' });
  publish(10_000, 1);
  publish(5_000, 1);
  expect(states()).toEqual({ single: 'OK', page: 'OK' });
  publish(MINUTE_MS + 10_000, 1);
  expect(states()).toEqual({ single: 'OK', page: 'OK' });
  publish(MINUTE_MS + 9_000, 1);
  expect(states()).toEqual({ single: 'ALARM', page: 'ALARM' });
});

test('no period that is over is looked at, and none that has only just begun is missed', () => {
  const { publish, states } = start({ EvaluationPeriods: 1 });
  publish(MINUTE_MS, 9);
  expect(states()).toMatchObject({ single: 'OK' });
  publish(0, 9);
  expect(states()).toMatchObject({ single: 'ALARM' });
});

test('rings where as many of its periods are over the threshold as it says, whichever these are', () => {
  const { publish, states } = start({ EvaluationPeriods: 5, DatapointsToAlarm: 1 });
  publish(5 * MINUTE_MS, 9);
  expect(states()).toEqual({ single: 'OK', page: 'OK' });
  publish(4 * MINUTE_MS, 9);
  expect(states()).toEqual({ single: 'ALARM', page: 'ALARM' });
});

test('one that somebody has ring does so, whatever was published', () => {
  const { set, states } = start();
  set.add('arn:aws:cloudwatch:us-east-1:000000000000:alarm:single');
  expect(states()).toEqual({ single: 'ALARM', page: 'ALARM' });
});

test('missing data rings where the alarm says so', () => {
  expect(start({ TreatMissingData: 'breaching' }).states()).toEqual({ single: 'ALARM', page: 'ALARM' });
});

test('an expression is computed from its metrics, and from others', () => {
  const Metric = { Namespace: 'ours', MetricName: 'm', Dimensions: [{ Name: 'service', Value: 's' }] };
  const { publish, states } = start({
    EvaluationPeriods: 1,
    MetricName: undefined,
    Metrics: [
      { Id: 'e', Expression: 'IF(FILL(twice, 0) >= 4, 10, 0)' },
      { Id: 'twice', Expression: '2 * m', ReturnData: false },
      { Id: 'm', MetricStat: { Metric, Period: 60, Stat: 'Maximum' }, ReturnData: false },
    ],
  });
  publish(0, 1);
  publish(0, 1);
  expect(states()).toMatchObject({ single: 'OK' });
  publish(0, 2);
  expect(states()).toMatchObject({ single: 'ALARM' });
});

test('another comparison than "greater than" is an error', () => {
  expect(start({ ComparisonOperator: 'LessThanThreshold' }).states).toThrow(SyntaxError);
  expect(start({ ComparisonOperator: 'GreaterThanThreshold' }).states()).toMatchObject({ single: 'OK' });
});

test('a rule that is not understood is an error', () => {
  const Properties = { AlarmName: 'p', AlarmRule: 'NOT ALARM("x")' };
  const resolver = resolverOf({ P: { Type: 'AWS::CloudWatch::CompositeAlarm', Properties } });
  registerAlarms(resolver);
  const alarms = new LocalAlarms({ resolver, metrics: new LocalMetrics() });
  expect(() => alarms.describe(NOW)).toThrow(SyntaxError);
});
