import { CommandFailed } from '../shared/command-failed.ts';
import type { Context } from '../shared/context.ts';
import { noteInterruption } from '../shared/interruption.ts';
import type { Stage } from '../shared/stage.ts';
import { latestTask, type MoveTask } from './move-tasks.ts';

/** How often a task is looked at, and how long SQS may take to list one that it has started, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
const LISTED_WITHIN_MS = 60_000;

export function isUnderWay({ status }: MoveTask): boolean {
  return status === 'RUNNING' || status === 'CANCELLING';
}

/**
 * Follows a task to its end, or until Ctrl-C: that ends no task.
 *
 * @param afterMs the task is the one that was started after this, by the clock of SQS
 * @returns the task as it was seen last
 * @throws CommandFailed where there is none
 */
export async function followTask(
  stage: Stage,
  afterMs: number,
  report: (task: MoveTask) => void,
  { now, sleep }: Context,
): Promise<MoveTask> {
  const interruption = noteInterruption();
  const listedUntilMs = now() + LISTED_WITHIN_MS;
  try {
    for (;;) {
      const latest = await latestTask(stage);
      if (latest !== undefined && latest.startedMs > afterMs) {
        report(latest);
        if (!isUnderWay(latest) || interruption.isRequested()) return latest;
      } else if (now() >= listedUntilMs) {
        throw new CommandFailed(
          'SQS has taken the order to move the messages, and lists no such task: look again later',
        );
      }
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    interruption.ignore();
  }
}
