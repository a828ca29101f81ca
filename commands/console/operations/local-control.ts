import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { sendCommand } from '../../../local/control/send-command.ts';
import { readState, stateFile } from '../../../local/control/state-file.ts';
import { CommandFailed } from '../../shared/failures.ts';
import { operation } from '../operation.ts';

/** How often the platform's time is reported while a command runs, in milliseconds. */
const REPORT_EVERY_MS = 500;

const inputSchema = z.strictObject({
  /** What follows `npm run local --`. */
  words: z.array(z.string().max(200)).min(1).max(3),
});

/** The platform's time while a command runs: a skip moves it. */
export interface LocalProgress {
  readonly time: string;
}

/**
 * Runs a command of `npm run local` on the local platform: its switches. It refuses for any other stage.
 *
 * A command that is stopped continues on the platform: a skip cannot be undone.
 */
export const controlLocalPlatform = operation<z.infer<typeof inputSchema>, { text: string }, LocalProgress>(
  inputSchema,
  async ({ words }, { stage, signal, report }) => {
    if (stage.name !== 'local') throw new CommandFailed(`stage ${stage.name} is no local platform: it has no switches`);
    const ended = new AbortController();
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const stop = () => reject(new Error('no longer waited for: the platform continues it'));
    signal.addEventListener('abort', stop, { once: true });
    const reporting = reportTime(report, AbortSignal.any([signal, ended.signal]));
    try {
      return { text: await Promise.race([sendCommand(words, stateFile()), stopped]) };
    } catch (thrown) {
      throw new CommandFailed((thrown as Error).message);
    } finally {
      signal.removeEventListener('abort', stop);
      ended.abort();
      await reporting;
    }
  },
);

async function reportTime(report: (progress: LocalProgress) => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await report({ time: new Date(platformNowMs()).toISOString() });
    // Ends early where the command has.
    await wait(REPORT_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function platformNowMs(): number {
  try {
    return Date.now() + readState(stateFile()).clock_offset_ms;
  } catch {
    // The platform has ended: the command reports that.
    return Date.now();
  }
}
