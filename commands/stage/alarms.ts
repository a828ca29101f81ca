import { type MetricAlarm, paginateDescribeAlarms, type StateValue } from '@aws-sdk/client-cloudwatch';
import * as z from 'zod';
import type { Context } from '../shared/context.ts';
import { alignColumns, formatNumber } from '../shared/format.ts';
import type { Stage } from '../shared/stage.ts';
import { shortTime } from '../shared/time-span.ts';

/** An alarm of a stage, as its JSON document has it. */
export interface StageAlarm {
  readonly name: string;
  readonly state: StateValue;
  /** When it entered its state. ISO 8601, UTC; null where CloudWatch has not evaluated it yet. */
  readonly since: string | null;
  /** The largest value that was compared; null for a page, which has none of its own, and where nothing was published. */
  readonly value: number | null;
  readonly threshold: number | null;
  readonly means: string;
  /** Its heading, `docs/runbook.md#backlog`. */
  readonly runbook: string;
}

export interface AlarmsOptions {
  readonly stage: string;
  /** Those that are not in ALARM, too. */
  readonly all?: true | undefined;
  readonly json?: true | undefined;
}

/** `alarms`: 0 where none is in ALARM, else 1. @throws CommandFailed */
export async function alarms({ stage: stageName, all, json }: AlarmsOptions, context: Context): Promise<number> {
  const stage = await context.openStage(stageName);
  const found = await readAlarms(stage);
  const inAlarm = found.filter(isInAlarm);
  const shown = all ? found : inAlarm;
  const { print } = context.terminal;
  if (json) print(JSON.stringify({ stage: stage.name, total: found.length, in_alarm: inAlarm.length, alarms: shown }));
  else {
    if (shown.length > 0) print(formatAlarms(shown));
    print(
      inAlarm.length === 0
        ? `none of ${found.length} alarms of stage ${stage.name} is in ALARM`
        : `${inAlarm.length} of ${found.length} alarms of stage ${stage.name} in ALARM: see the runbook`,
    );
  }
  return inAlarm.length === 0 ? 0 : 1;
}

export function isInAlarm({ state }: StageAlarm): boolean {
  return state === 'ALARM';
}

/** All alarms of a stage, pages first. @throws the client's errors */
export async function readAlarms({ name: stageName, cloudWatch }: Stage): Promise<readonly StageAlarm[]> {
  const AlarmNamePrefix = `learning-time-webhooks-${stageName}-`;
  const pages: StageAlarm[] = [];
  const singles: StageAlarm[] = [];
  const request = { AlarmNamePrefix, AlarmTypes: ['MetricAlarm' as const, 'CompositeAlarm' as const] };
  for await (const { MetricAlarms = [], CompositeAlarms = [] } of paginateDescribeAlarms(
    { client: cloudWatch },
    request,
  )) {
    const read = (described: Described) => alarmOf(described, AlarmNamePrefix);
    pages.push(...CompositeAlarms.map(read));
    singles.push(...MetricAlarms.map(read));
  }
  const byName = (one: StageAlarm, other: StageAlarm) => one.name.localeCompare(other.name);
  return [...pages.toSorted(byName), ...singles.toSorted(byName)];
}

/** The common fields of metric alarms and composite alarms, and the metric alarm's comparison. */
type Described = Pick<MetricAlarm, 'AlarmName' | 'AlarmDescription' | 'StateValue' | 'StateTransitionedTimestamp'> &
  Pick<MetricAlarm, 'StateReasonData' | 'Threshold'>;

function alarmOf(described: Described, prefix: string): StageAlarm {
  const { AlarmName = '', StateValue: state = 'INSUFFICIENT_DATA', AlarmDescription = '', Threshold } = described;
  // As lib/alarm-maker.ts writes it.
  const [means = '', runbook = ''] = AlarmDescription.split('. What to do: ');
  return {
    name: AlarmName.slice(prefix.length),
    state,
    since: described.StateTransitionedTimestamp?.toISOString() ?? null,
    value: comparedValue(described.StateReasonData),
    threshold: Threshold ?? null,
    means,
    runbook,
  };
}

const reasonSchema = z.object({ recentDatapoints: z.array(z.number()).min(1) });

/** All alarms compare with "greater than", so that the largest value is the one that breaches. */
function comparedValue(reasonData: string | undefined): number | null {
  try {
    return Math.max(...reasonSchema.parse(JSON.parse(reasonData ?? '')).recentDatapoints);
  } catch {
    return null;
  }
}

/** A table of alarms: one line each. */
export function formatAlarms(shown: readonly StageAlarm[]): string {
  const rows = shown.map(({ name, state, since, value, threshold, means, runbook }) => [
    name,
    STATE_TEXT[state] ?? state,
    since === null ? '-' : shortTime(since),
    rounded(value),
    rounded(threshold),
    runbook,
    means,
  ]);
  return alignColumns([['alarm', 'state', 'since', 'value', 'threshold', 'runbook', 'means'], ...rows]);
}

const STATE_TEXT: Readonly<Record<string, string>> = { ALARM: 'ALARM', OK: 'ok', INSUFFICIENT_DATA: 'no data' };

function rounded(value: number | null): string {
  return value === null ? '-' : formatNumber(Math.round(value * 10) / 10);
}
