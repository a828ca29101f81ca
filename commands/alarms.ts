import { paginateDescribeAlarms, type StateValue } from '@aws-sdk/client-cloudwatch';
import { readFlags } from '../local/command-line.ts';
import type { Context } from './context.ts';
import { runCommand } from './run-command.ts';
import type { Stage } from './stage.ts';
import { alignColumns } from './table.ts';

export const ALARMS_USAGE = `usage: npm run alarms -- [--all] [--stage NAME]
  which alarms ring, pages first, and what each means; docs/runbook.md has a heading for each
  --all          those that do not ring, too
  --stage NAME   local (default; the platform that "npm start" runs), dev, staging, prod
  ends with 0 where none rings, else with 1`;

interface Alarm {
  readonly name: string;
  readonly state: StateValue;
  readonly says: string;
}

/** `npm run alarms`: 0 where none rings, else 1. @throws UsageError; CommandFailed */
export async function alarms(words: readonly string[], context: Context): Promise<number> {
  const { stage: stageName, all } = readFlags(words, {
    stage: { type: 'string', default: 'local' },
    all: { type: 'boolean', default: false },
  });
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

if (import.meta.main) await runCommand(alarms, ALARMS_USAGE);
