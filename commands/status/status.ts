import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { formatStatus } from './format-status.ts';
import { readStatus } from './read-status.ts';

export interface StatusOptions {
  readonly stage: string;
  readonly json?: true | undefined;
}

/** `status`: 0 where no alarm is in ALARM, else 1. @throws CommandFailed */
export async function status({ stage: stageName, json }: StatusOptions, context: Context): Promise<number> {
  const stage = await context.openStage(stageName);
  const read = await readStatus(stage, context.now());
  const { alarms } = read;
  // Where these are not known, the exit code is not.
  if ('error' in alarms) throw new CommandFailed(alarms.error);
  context.terminal.print(json ? JSON.stringify(read) : formatStatus(read, alarms));
  return alarms.in_alarm.length === 0 ? 0 : 1;
}
