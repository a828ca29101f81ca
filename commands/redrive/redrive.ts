import { mayGoOn } from '../shared/confirm.ts';
import type { Context } from '../shared/context.ts';
import { counted } from '../shared/format.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import type { Stage } from '../shared/stage.ts';
import {
  cancelTask,
  countMessages,
  followTask,
  isUnderWay,
  latestTask,
  type MoveRoute,
  type MoveTask,
  startTask,
} from './move-tasks.ts';

export interface RedriveOptions {
  readonly stage: string;
  /** Messages a second. */
  readonly rate: number;
  readonly yes?: true | undefined;
  /** Ends the move that is under way. */
  readonly stop?: true | undefined;
}

/** A route, and how the command that moves its messages speaks of them. */
export interface Redrive extends MoveRoute {
  /** `deliveries dead-letter queue` */
  readonly queue: string;
  /** `./ltw redrive` */
  readonly command: string;
  /** What happens to a message that was moved. */
  readonly outcome: string;
}

/** `redrive`: as `moveMessages`, of the deliveries dead-letter queue. @throws CommandFailed */
export async function redrive(options: RedriveOptions, context: Context): Promise<number> {
  const stage = await context.openStage(options.stage);
  const deliveries = {
    sourceUrl: stage.output('DeliveriesDeadLetterQueueUrl'),
    sourceArn: stage.output('DeliveriesDeadLetterQueueArn'),
    destinationArn: stage.output('DeliveriesQueueArn'),
    queue: 'deliveries dead-letter queue',
    command: './ltw redrive',
    outcome: 'each is delivered, or dead-lettered again',
  };
  return moveMessages(stage, deliveries, options, context);
}

/**
 * Moves all messages of a dead-letter queue, and follows the move to its end.
 *
 * @returns 0 where all are moved, there are none, or --stop has ended the move; else 1
 * @throws CommandFailed where SQS does not list the move
 */
export async function moveMessages(
  stage: Stage,
  route: Redrive,
  { rate, yes, stop }: Omit<RedriveOptions, 'stage'>,
  context: Context,
): Promise<number> {
  const { print } = context.terminal;
  const latest = await latestTask(stage, route);
  const running = latest !== undefined && isUnderWay(latest) ? latest : undefined;
  if (stop) return stopTask(stage, route, running, print);
  if (running !== undefined) {
    print('a move is under way already: this follows it');
    return follow(stage, route, { afterMs: running.startedMs - 1, messages: running.toMove }, context);
  }
  const messages = await countMessages(stage, route);
  if (messages === 0) {
    print(`no messages in the ${route.queue} of stage ${stage.name}`);
    return 0;
  }
  const question = `Send ${counted(messages, 'message')} of stage ${stage.name} again, ${rate} a second?`;
  if (!(await mayGoOn(question, yes, context))) return 1;
  const beforeMs = latest?.startedMs ?? 0;
  try {
    await startTask(stage, route, rate);
  } catch (thrown) {
    // If the response is lost, the SDK repeats the call, and SQS refuses a second task, as it does another operator's.
    const started = await latestTask(stage, route);
    if (started === undefined || started.startedMs <= beforeMs) throw thrown;
  }
  return follow(stage, route, { afterMs: beforeMs, messages }, context);
}

interface Followed {
  /** The move is the one that was started after this, by the clock of SQS. */
  readonly afterMs: number;
  /** How many there are to move, where that is known. */
  readonly messages: number | undefined;
}

async function follow(
  stage: Stage,
  route: Redrive,
  { afterMs, messages }: Followed,
  context: Context,
): Promise<number> {
  const { terminal, now } = context;
  const { print } = terminal;
  const progress = createProgressBar({ total: messages, output: terminal.progress, now });
  const report = ({ moved }: MoveTask) => progress.report(moved);
  const { status, moved, failure } = await followTask(stage, route, afterMs, report, context).finally(progress.end);
  switch (status) {
    case 'COMPLETED':
      print(`moved ${counted(moved, 'message')}: ${route.outcome}`);
      return 0;
    case 'RUNNING':
    case 'CANCELLING':
      print(`moved ${counted(moved, 'message')} so far. The move goes on without this command:
  ${route.command} --stage ${stage.name}          follows it
  ${route.command} --stage ${stage.name} --stop   ends it`);
      return 1;
    case 'CANCELLED':
      print(`stopped: ${counted(moved, 'message')} were moved, the others are where they were`);
      return 1;
    default:
      print(`failed after ${counted(moved, 'message')}: ${failure ?? 'SQS does not say why'}`);
      return 1;
  }
}

async function stopTask(
  stage: Stage,
  route: MoveRoute,
  running: MoveTask | undefined,
  print: (text: string) => void,
): Promise<number> {
  if (running?.handle === undefined) {
    print('nothing to do: no move is under way');
    return 0;
  }
  const moved = await cancelTask(stage, running.handle).catch(async (thrown: unknown) => {
    // The same: what is not under way any more cannot be cancelled.
    const latest = await latestTask(stage, route);
    if (latest === undefined || latest.status === 'RUNNING') throw thrown;
    return latest.moved;
  });
  print(`stopped: ${counted(moved, 'message')} were moved, the others are where they were`);
  return 0;
}
