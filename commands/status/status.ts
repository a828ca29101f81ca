import type { Context } from '../shared/context.ts';
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
  context.terminal.print(json ? JSON.stringify(read) : formatStatus(read));
  return read.alarms.in_alarm.length === 0 ? 0 : 1;
}
