import { paginateDescribeAlarms, type StateValue } from '@aws-sdk/client-cloudwatch';
import type { Context } from '../shared/context.ts';
import { alignColumns } from '../shared/format.ts';
import type { Stage } from '../shared/stage.ts';

interface Alarm {
  readonly name: string;
  readonly state: StateValue;
  readonly says: string;
}

export interface AlarmsOptions {
  readonly stage: string;
  /** Those that are not in ALARM, too. */
  readonly all?: true | undefined;
}

/** `alarms`: 0 where none is in ALARM, else 1. @throws CommandFailed */
export async function alarms({ stage: stageName, all }: AlarmsOptions, context: Context): Promise<number> {
  const stage = await context.openStage(stageName);
  const found = await readAlarms(stage);
  const ringing = found.filter(({ state }) => state === 'ALARM');
  const shown = all ? found : ringing;
  const { print } = context.terminal;
  if (shown.length > 0) print(alignColumns([['alarm', 'state', 'means'], ...shown.map(rowOf)]));
  print(
    ringing.length === 0
      ? `none of ${found.length} alarms of stage ${stage.name} rings`
      : `${ringing.length} of ${found.length} alarms of stage ${stage.name} ring: docs/runbook.md says of each what to do`,
  );
  return ringing.length === 0 ? 0 : 1;
}

async function readAlarms({ name: stageName, cloudWatch }: Stage): Promise<readonly Alarm[]> {
  const AlarmNamePrefix = `learning-time-webhooks-${stageName}-`;
  const pages: Alarm[] = [];
  const singles: Alarm[] = [];
  const request = { AlarmNamePrefix, AlarmTypes: ['MetricAlarm' as const, 'CompositeAlarm' as const] };
  for await (const { MetricAlarms = [], CompositeAlarms = [] } of paginateDescribeAlarms(
    { client: cloudWatch },
    request,
  )) {
    const alarmOf = ({
      AlarmName = '',
      StateValue = 'INSUFFICIENT_DATA',
      AlarmDescription = '',
    }: Described): Alarm => ({
      name: AlarmName.slice(AlarmNamePrefix.length),
      state: StateValue,
      // The end of it leads to the runbook.
      says: AlarmDescription.split('. What to do: ')[0] ?? '',
    });
    pages.push(...CompositeAlarms.map(alarmOf));
    singles.push(...MetricAlarms.map(alarmOf));
  }
  const byName = (one: Alarm, other: Alarm) => one.name.localeCompare(other.name);
  return [...pages.toSorted(byName), ...singles.toSorted(byName)];
}

interface Described {
  readonly AlarmName?: string | undefined;
  readonly StateValue?: StateValue | undefined;
  readonly AlarmDescription?: string | undefined;
}

function rowOf({ name, state, says }: Alarm): string[] {
  return [name, state === 'ALARM' ? 'rings' : state === 'OK' ? 'ok' : 'no data', says];
}
