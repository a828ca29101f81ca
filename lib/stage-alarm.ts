import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';

/** Where each alarm has a heading of its own name; a test holds them together. */
const RUNBOOK = 'docs/runbook.md';

export interface StageAlarmProps {
  /** When it goes off, in words: the beginning of its description. */
  readonly when: string;
  /** What it means for webhooks, for whoever is woken up. */
  readonly impact: string;
  readonly metric: IMetric;
  /** More than that. */
  readonly threshold: number;
  /** How many periods in a row; 1 by default. */
  readonly periods?: number;
  /** How many of these periods; all by default. */
  readonly ofThem?: number;
  /** Nothing was published; `NOT_BREACHING` by default, as most counts are not published where there is nothing to count. */
  readonly missing?: TreatMissingData;
}

/** What an alarm of a stage is called, in AWS and in the runbook's commands. */
export function alarmName(stageName: string, name: string): string {
  return `learning-time-webhooks-${stageName}-${name}`;
}

/** The end of every description. */
export function describeAlarm(name: string, { when, impact }: Pick<StageAlarmProps, 'when' | 'impact'>): string {
  return `${when}. Impact: ${impact}. What to do: ${RUNBOOK}#${name}`;
}

/** An alarm as all of a stage are made: named, with its impact, and a way into the runbook. */
export function stageAlarm(scope: Construct, stageName: string, name: string, props: StageAlarmProps): Alarm {
  const { when, impact, metric, threshold, periods = 1, ofThem, missing = TreatMissingData.NOT_BREACHING } = props;
  return new Alarm(scope, name, {
    metric,
    threshold,
    alarmName: alarmName(stageName, name),
    alarmDescription: describeAlarm(name, { when, impact }),
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: periods,
    ...(ofThem !== undefined && { datapointsToAlarm: ofThem }),
    treatMissingData: missing,
  });
}
