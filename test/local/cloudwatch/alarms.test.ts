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
  const set = new Map<string, number>();
  const alarms = new LocalAlarms({ resolver, metrics, setAt: (arn) => set.get(arn) });
  return {
    set,
    describe: () => alarms.describe(NOW),
    publish: (agoMs: number, value: number) =>
      metrics.record({ namespace: 'ours', name: 'm', dimensions: { service: 's' } }, NOW - agoMs, [value]),
    states: () => Object.fromEntries(alarms.describe(NOW).map(({ name, state }) => [name, state])),
  };
}

test('is in ALARM if every period is over the threshold, and its page too', () => {
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

test('is in ALARM if DatapointsToAlarm of its periods are over the threshold', () => {
  const { publish, states } = start({ EvaluationPeriods: 5, DatapointsToAlarm: 1 });
  publish(5 * MINUTE_MS, 9);
  expect(states()).toEqual({ single: 'OK', page: 'OK' });
  publish(4 * MINUTE_MS, 9);
  expect(states()).toEqual({ single: 'ALARM', page: 'ALARM' });
});

test('an alarm that an operator set is in ALARM since then, whatever was published', () => {
  const { set, describe } = start();
  set.set('arn:aws:cloudwatch:us-east-1:000000000000:alarm:single', NOW - 90_000);
  const inAlarm = { state: 'ALARM', sinceMs: NOW - 90_000, values: [] };
  expect(describe()).toMatchObject([
    { name: 'page', ...inAlarm },
    { name: 'single', ...inAlarm },
  ]);
});

test('says since when it is in ALARM, to the minute, and which values it compared', () => {
  const { publish, describe } = start();
  publish(10 * MINUTE_MS, 9);
  for (const [minute, value] of [5, 4, 3, 2].entries()) publish(minute * MINUTE_MS + 10_000, value);
  expect(describe()).toMatchObject([
    { name: 'page', sinceMs: NOW - 2 * MINUTE_MS, values: [], threshold: undefined },
    { name: 'single', sinceMs: NOW - 2 * MINUTE_MS, values: [5, 4], threshold: 1 },
  ]);
});

test('looks back for a day at most', () => {
  const { describe } = start({ TreatMissingData: 'breaching' });
  expect(describe()).toMatchObject([{}, { sinceMs: NOW - 24 * 60 * MINUTE_MS }]);
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

test('an alarm fires below its threshold, without a value by its definition only', () => {
  const below = { ComparisonOperator: 'LessThanThreshold', Threshold: 30, EvaluationPeriods: 1, Statistic: 'Minimum' };
  const { publish, states } = start(below);
  expect(states()).toMatchObject({ single: 'OK' });
  publish(0, 30);
  publish(0, 31);
  expect(states()).toMatchObject({ single: 'OK' });
  publish(0, 29);
  expect(states()).toMatchObject({ single: 'ALARM' });
});

test('another comparison is an error', () => {
  expect(start({ ComparisonOperator: 'LessThanOrEqualToThreshold' }).states).toThrow(SyntaxError);
  expect(start({ ComparisonOperator: 'GreaterThanThreshold' }).states()).toMatchObject({ single: 'OK' });
});

test('a rule that is not understood is an error', () => {
  const Properties = { AlarmName: 'p', AlarmRule: 'NOT ALARM("x")' };
  const resolver = resolverOf({ P: { Type: 'AWS::CloudWatch::CompositeAlarm', Properties } });
  registerAlarms(resolver);
  const alarms = new LocalAlarms({ resolver, metrics: new LocalMetrics() });
  expect(() => alarms.describe(NOW)).toThrow(SyntaxError);
});
