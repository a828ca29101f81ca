import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Construct } from 'constructs';
import { StageMetrics } from './stage-metrics.ts';

/** Has a heading for each alarm; `test/infra/alarms.test.ts` compares the two. */
const RUNBOOK = 'docs/runbook.md';

export interface AlarmText {
  /** The condition, as the beginning of the alarm's description. */
  readonly when: string;
  /** The effect on webhooks, for the operator on call. */
  readonly impact: string;
}

export interface StageAlarmProps extends AlarmText {
  readonly metric: IMetric;
  /** The alarm fires above this value; 0 by default. */
  readonly threshold?: number;
  /** The alarm fires below the threshold instead. */
  readonly firesBelow?: true;
  /** Number of consecutive periods to evaluate; 1 by default. */
  readonly periods?: number;
  /** How many of the evaluated periods must be above the threshold; all by default. */
  readonly datapoints?: number;
  /** For periods without data; `NOT_BREACHING` by default, since functions publish no zeros. */
  readonly missing?: TreatMissingData;
}

/** The alarm's name in CloudWatch. */
export function alarmName(stageName: string, name: string): string {
  return `learning-time-webhooks-${stageName}-${name}`;
}

/** The description of every alarm: condition, impact, and a link to the runbook. */
export function describeAlarm(name: string, { when, impact }: AlarmText): string {
  return `${when}. Impact: ${impact}. What to do: ${RUNBOOK}#${name}`;
}

/** Creates alarms in one scope. */
export class AlarmMaker {
  readonly metrics: StageMetrics;
  readonly #scope: Construct;
  readonly #stageName: string;
  readonly #notify: SnsAction | undefined;

  /** @param notify the action of notices */
  constructor(scope: Construct, stageName: string, notify?: SnsAction) {
    this.metrics = new StageMetrics(stageName);
    this.#scope = scope;
    this.#stageName = stageName;
    this.#notify = notify;
  }

  /** An alarm without an action of its own: a page includes it. */
  alarm(name: string, props: StageAlarmProps): Alarm {
    const {
      metric,
      threshold = 0,
      periods = 1,
      datapoints,
      missing = TreatMissingData.NOT_BREACHING,
      firesBelow,
    } = props;
    return new Alarm(this.#scope, name, {
      metric,
      threshold,
      alarmName: alarmName(this.#stageName, name),
      alarmDescription: describeAlarm(name, props),
      comparisonOperator: firesBelow
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      ...(datapoints !== undefined && { datapointsToAlarm: datapoints }),
      treatMissingData: missing,
    });
  }

  /** An alarm that notifies by itself, without a page. */
  notice(name: string, props: StageAlarmProps): Alarm {
    const alarm = this.alarm(name, props);
    if (this.#notify) alarm.addAlarmAction(this.#notify);
    return alarm;
  }

  /** A notice that also notifies when it returns to OK. */
  recovery(name: string, props: StageAlarmProps): Alarm {
    const alarm = this.notice(name, props);
    if (this.#notify) alarm.addOkAction(this.#notify);
    return alarm;
  }
}
