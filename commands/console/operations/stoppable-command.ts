import * as z from 'zod';
import { CommandFailed } from '../../shared/failures.ts';
import { interruptionBy } from '../../shared/interruption.ts';
import { operation, type Work } from '../operation.ts';
import { type Answer, type CommandProgress, type CommandResult, runCommand } from './run-command.ts';

/** What stops each command that runs, by the id that the page gave it. */
const running = new Map<string, AbortController>();

/** Of a run. Random, so that no page stops another's. */
const runIdSchema = z.uuid();

interface StoppableInput {
  readonly words: readonly string[];
  readonly answers?: readonly Answer[] | undefined;
  /** Absent where nothing stops it but the end of the connection. */
  readonly run?: string | undefined;
}

const inputSchema: z.ZodType<StoppableInput> = z.strictObject({
  ...{ words: z.array(z.string()), answers: z.array(z.strictObject({ to: z.string(), text: z.string() })).optional() },
  run: runIdSchema.optional(),
});

/**
 * `runCommand`, which `stopCommand` stops as Ctrl-C stops it in a terminal. The connection stays: the page shows what was
 * done until then.
 */
export const stoppableCommand = operation<StoppableInput, CommandResult, CommandProgress>(
  inputSchema,
  async ({ run, ...command }, work) => {
    const input = runCommand.input.safeParse(command);
    if (!input.success)
      throw new CommandFailed(`the console does not run this command: ${z.prettifyError(input.error)}`);
    if (run === undefined) return runCommand.run(input.data, work);
    const stop = new AbortController();
    running.set(run, stop);
    try {
      return await runCommand.run(input.data, withStop(work, stop.signal));
    } finally {
      running.delete(run);
    }
  },
);

/** The first Ctrl-C: a command that notes it ends after what it began, and any other ends at its next wait. */
function withStop(work: Work<CommandProgress>, stop: AbortSignal): Work<CommandProgress> {
  const signal = AbortSignal.any([work.signal, stop]);
  const { context } = work;
  let noting = 0;
  return {
    ...work,
    signal,
    context: {
      ...context,
      noteInterruption() {
        noting += 1;
        return {
          ...interruptionBy(signal),
          ignore() {
            noting -= 1;
          },
        };
      },
      async sleep(...args: Parameters<typeof context.sleep>) {
        if (noting > 0) return context.sleep(...args);
        const { promise: stopped, reject } = Promise.withResolvers<never>();
        const end = () => reject(new CommandFailed('stopped: what was begun may have been done'));
        if (stop.aborted) end();
        stop.addEventListener('abort', end, { once: true });
        try {
          await Promise.race([context.sleep(...args), stopped]);
        } finally {
          stop.removeEventListener('abort', end);
        }
      },
    },
  };
}

/** Stops a command. Its own call then ends, with what it has done. @returns whether it runs */
export const stopCommand = operation(z.strictObject({ run: runIdSchema }), async ({ run }) => {
  const stop = running.get(run);
  stop?.abort();
  return { isRunning: stop !== undefined };
});
