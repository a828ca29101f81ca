import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Construct } from 'constructs';
import { StageMetrics } from './stage-metrics.ts';

/** Each alarm has a heading of its own name there; a test holds them together. */
const RUNBOOK = 'docs/runbook.md';

export interface AlarmText {
  /** When it fires: the beginning of its description. */
  readonly when: string;
  /** What it means for webhooks, for the operator on call. */
  readonly impact: string;
}

export interface StageAlarmProps extends AlarmText {
  readonly metric: IMetric;
  /** The alarm fires over it; 0 by default. */
  readonly threshold?: number;
  /** How many periods in a row; 1 by default. */
  readonly periods?: number;
  /** How many of these periods; all by default. */
  readonly ofThem?: number;
  /** If nothing was published; `NOT_BREACHING` by default, as most counts are not published when there is nothing to count. */
  readonly missing?: TreatMissingData;
}

/** What an alarm of a stage is called, in AWS and in the runbook's commands. */
export function alarmName(stageName: string, name: string): string {
  return `learning-time-webhooks-${stageName}-${name}`;
}

/** The text that all alarms have: when, impact, and a link to the runbook. */
export function describeAlarm(name: string, { when, impact }: AlarmText): string {
  return `${when}. Impact: ${impact}. What to do: ${RUNBOOK}#${name}`;
}

/** Creates alarms in one scope. */
export class AlarmMaker {
  readonly metrics: StageMetrics;
  readonly #scope: Construct;
  readonly #stageName: string;
  readonly #notify: SnsAction | undefined;

  /** @param notify reports notices */
  constructor(scope: Construct, stageName: string, notify?: SnsAction) {
    this.metrics = new StageMetrics(stageName);
    this.#scope = scope;
    this.#stageName = stageName;
    this.#notify = notify;
  }

  /** An alarm that only a page reports. */
  alarm(name: string, props: StageAlarmProps): Alarm {
    const { metric, threshold = 0, periods = 1, ofThem, missing = TreatMissingData.NOT_BREACHING } = props;
    return new Alarm(this.#scope, name, {
      metric,
      threshold,
      alarmName: alarmName(this.#stageName, name),
      alarmDescription: describeAlarm(name, props),
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      ...(ofThem !== undefined && { datapointsToAlarm: ofThem }),
      treatMissingData: missing,
    });
  }

  /** An alarm that is reported by itself, without a page. */
  notice(name: string, props: StageAlarmProps): Alarm {
    const alarm = this.alarm(name, props);
    if (this.#notify) alarm.addAlarmAction(this.#notify);
    return alarm;
  }

  /** A notice whose end is reported, too. */
  recovery(name: string, props: StageAlarmProps): Alarm {
    const alarm = this.notice(name, props);
    if (this.#notify) alarm.addOkAction(this.#notify);
    return alarm;
  }
}
