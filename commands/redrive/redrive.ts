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

/** `redrive`: 0 where all messages are moved, there are none, or --stop has ended the move; else 1. @throws CommandFailed */
export async function redrive(options: RedriveOptions, context: Context): Promise<number> {
  const { stage: stageName, rate, yes, stop } = options;
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  const latest = await latestTask(stage);
  const running = latest !== undefined && isUnderWay(latest) ? latest : undefined;
  if (stop) return stopTask(stage, running, print);
  if (running !== undefined) {
    print('a move is under way already: this follows it');
    return follow(stage, running.startedMs - 1, running.toMove, context);
  }
  const messages = await countMessages(stage);
  if (messages === 0) {
    print(`no messages in the deliveries dead-letter queue of stage ${stage.name}`);
    return 0;
  }
  const question = `Send ${counted(messages, 'message')} of stage ${stage.name} again, ${rate} a second?`;
  if (!(await mayGoOn(question, yes, context))) return 1;
  const beforeMs = latest?.startedMs ?? 0;
  try {
    await startTask(stage, rate);
  } catch (thrown) {
    // If the response is lost, the SDK repeats the call, and SQS refuses a second task, as it does another operator's.
    const started = await latestTask(stage);
    if (started === undefined || started.startedMs <= beforeMs) throw thrown;
  }
  return follow(stage, beforeMs, messages, context);
}

/** @param messages how many there are to move, where that is known */
async function follow(stage: Stage, afterMs: number, messages: number | undefined, context: Context): Promise<number> {
  const { terminal, now } = context;
  const { print } = terminal;
  const progress = createProgressBar({ total: messages, output: terminal.progress, now });
  const report = ({ moved }: MoveTask) => progress.report(moved);
  const { status, moved, failure } = await followTask(stage, afterMs, report, context).finally(progress.end);
  switch (status) {
    case 'COMPLETED':
      print(`moved ${counted(moved, 'message')}: each is delivered, or dead-lettered again`);
      return 0;
    case 'RUNNING':
    case 'CANCELLING':
      print(`moved ${counted(moved, 'message')} so far. The move goes on without this command:
  ./ltw redrive --stage ${stage.name}          follows it
  ./ltw redrive --stage ${stage.name} --stop   ends it`);
      return 1;
    case 'CANCELLED':
      print(`stopped: ${counted(moved, 'message')} were moved, the others are where they were`);
      return 1;
    default:
      print(`failed after ${counted(moved, 'message')}: ${failure ?? 'SQS does not say why'}`);
      return 1;
  }
}

async function stopTask(stage: Stage, running: MoveTask | undefined, print: (text: string) => void): Promise<number> {
  if (running?.handle === undefined) {
    print('nothing to do: no move is under way');
    return 0;
  }
  const moved = await cancelTask(stage, running.handle).catch(async (thrown: unknown) => {
    // The same: what is not under way any more cannot be cancelled.
    const latest = await latestTask(stage);
    if (latest === undefined || latest.status === 'RUNNING') throw thrown;
    return latest.moved;
  });
  print(`stopped: ${counted(moved, 'message')} were moved, the others are where they were`);
  return 0;
}
