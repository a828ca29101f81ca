import type { Operation, Work } from '../../../commands/console/operation.ts';
import { runProgram } from '../../../commands/main.ts';
import type { OperatorWorld } from '../operator-world.ts';

/** Runs an operation as the server does, on the stage of an operator's world. */
export async function runOperation<I, O, P>(
  { run, input }: Operation<I, O, P>,
  sent: unknown,
  { context }: Pick<OperatorWorld, 'context'>,
  { signal = new AbortController().signal, onProgress = () => {} }: RunOptions<P> = {},
): Promise<O> {
  const stage = await context.openStage('local');
  const work: Work<P> = {
    ...{ stage, signal, context, runProgram },
    now: context.now,
    report: async (progress) => onProgress(progress),
  };
  return run(input.parse(sent), work);
}

interface RunOptions<P> {
  readonly signal?: AbortSignal;
  onProgress?(progress: P): void;
}
