import { Duration } from 'aws-cdk-lib';
import { type Alarm, type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { StageAlarmProps } from './stage-alarm.ts';

/** What a group of alarms is made with. */
export interface AlarmMaker {
  readonly stageName: string;
  /** One that a page tells of. */
  alarm(name: string, props: StageAlarmProps): Alarm;
  /** One that is told of by itself, and wakes up nobody. */
  notice(name: string, props: StageAlarmProps): Alarm;
  /** A notice whose end is told, too. */
  recovery(name: string, props: StageAlarmProps): Alarm;
}

/** Of several metrics, of which one that has no value is 0. */
export function sumOf(metrics: readonly IMetric[], period = Duration.minutes(5)): IMetric {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  const expression = Object.keys(usingMetrics)
    .map((id) => `FILL(${id}, 0)`)
    .join(' + ');
  return new MathExpression({ expression, usingMetrics, period });
}
