import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { RunProgram } from './operation.ts';
import { type ConsoleServer, startConsoleServer } from './server.ts';

export interface ConsoleOptions {
  readonly stage: string;
  /** A free one if absent. */
  readonly port?: number | undefined;
}

/** `console`: 0 after Ctrl-C, or when `npm start` has ended, which started it. @throws CommandFailed where the stage is not within reach, or the port is taken */
export async function openConsole(
  { stage, port }: ConsoleOptions,
  context: Context,
  runProgram: RunProgram,
): Promise<number> {
  const server = await start(stage, port, context, runProgram);
  // Before that there is nothing that Ctrl-C would have to wait for.
  const interruption = context.noteInterruption();
  context.terminal.print(`The console of stage ${stage} is at
  ${server.address}
A person or program that has this address can do what your AWS credentials may do, as long as this command runs. Ctrl-C ends it.`);
  try {
    await Promise.race([interruption.requested, parentEnd()]);
    return 0;
  } finally {
    await server.close();
  }
}

/** When the channel to the program that started this one is closed; never where there is none. */
function parentEnd(): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected === false) resolve();
    else process.once('disconnect', resolve);
  });
}

async function start(
  stage: string,
  port: number | undefined,
  context: Context,
  runProgram: RunProgram,
): Promise<ConsoleServer> {
  // A stage that does not exist is reported here, and not in the page.
  await context.openStage(stage);
  try {
    return await startConsoleServer({ stageName: stage, context, runProgram, ...(port !== undefined && { port }) });
  } catch (thrown) {
    if ((thrown as { code?: string }).code !== 'EADDRINUSE') throw thrown;
    throw new CommandFailed(`port ${port} of 127.0.0.1 is in use: another --port, or none, takes a free one`);
  }
}
