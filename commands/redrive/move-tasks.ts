import {
  CancelMessageMoveTaskCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';

/** From which dead-letter queue to which queue messages are moved. */
export interface MoveRoute {
  readonly sourceUrl: string;
  readonly sourceArn: string;
  readonly destinationArn: string;
}

/** A task of SQS that moves the messages of a dead-letter queue. */
export interface MoveTask {
  /** What ends it; while it runs. */
  readonly handle: string | undefined;
  readonly status: 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED' | undefined;
  /** Epoch milliseconds, by the clock of SQS. */
  readonly startedMs: number;
  readonly moved: number;
  /** How many there were when it began; SQS counts them after its start. */
  readonly toMove: number | undefined;
  readonly failure: string | undefined;
}

/** How many messages wait, as SQS estimates it. */
export async function countMessages({ sqs }: Stage, { sourceUrl }: MoveRoute): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: sourceUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
}

/** The task that was started last; SQS runs one at a time, and forgets them after a while. */
export async function latestTask({ sqs }: Stage, { sourceArn }: MoveRoute): Promise<MoveTask | undefined> {
  const { Results = [] } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn: sourceArn, MaxResults: 10 }));
  return Results.map(toTask).sort((one, other) => other.startedMs - one.startedMs)[0];
}

function toTask(entry: ListMessageMoveTasksResultEntry): MoveTask {
  return {
    handle: entry.TaskHandle,
    status: entry.Status as MoveTask['status'],
    startedMs: entry.StartedTimestamp ?? 0,
    moved: entry.ApproximateNumberOfMessagesMoved ?? 0,
    toMove: entry.ApproximateNumberOfMessagesToMove,
    failure: entry.FailureReason,
  };
}

/**
 * Starts to move all messages. The destination is named: without one SQS returns each message to the queue that it was
 * moved from, and functions sent ours.
 */
export async function startTask(
  { sqs }: Stage,
  { sourceArn, destinationArn }: MoveRoute,
  perSecond: number,
): Promise<void> {
  await sqs.send(
    new StartMessageMoveTaskCommand({
      SourceArn: sourceArn,
      DestinationArn: destinationArn,
      MaxNumberOfMessagesPerSecond: perSecond,
    }),
  );
}

/** @returns how many messages were moved before */
export async function cancelTask(stage: Stage, handle: string): Promise<number> {
  const response = await stage.sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle: handle }));
  return response.ApproximateNumberOfMessagesMoved ?? 0;
}

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
  route: MoveRoute,
  afterMs: number,
  report: (task: MoveTask) => void,
  { now, sleep, noteInterruption }: Context,
): Promise<MoveTask> {
  const interruption = noteInterruption();
  const listedUntilMs = now() + LISTED_WITHIN_MS;
  try {
    for (;;) {
      const latest = await latestTask(stage, route);
      if (latest !== undefined && latest.startedMs > afterMs) {
        report(latest);
        if (!isUnderWay(latest) || interruption.isRequested()) return latest;
      } else if (now() >= listedUntilMs) {
        throw new CommandFailed('SQS accepted the move, and does not list it: the same command follows it later');
      }
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    interruption.ignore();
  }
}
