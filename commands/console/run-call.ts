import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Context } from '../shared/context.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import { interruptionBy } from '../shared/interruption.ts';
import { ledgerFailure } from '../shared/open-ledger.ts';
import type { Stage } from '../shared/stage.ts';
import type { AnyOperation, RunProgram } from './operation.ts';

/** What a call runs in. */
export interface CallSurroundings {
  readonly stageName: string;
  readonly context: Context;
  readonly runProgram: RunProgram;
  openStage(): Promise<Stage>;
  /** Aborts when the console ends. */
  readonly closing: AbortSignal;
}

/**
 * Runs an operation, and responds with one JSON document a line: `{"progress"}` any number of times, then `{"result"}` or
 * `{"error"}`. An unexpected error is a line, too: it must not end the console.
 *
 * @param input what the operation's schema has checked
 */
export async function runCall(
  response: ServerResponse,
  called: AnyOperation,
  input: unknown,
  { stageName, context, runProgram, openStage, closing }: CallSurroundings,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const send = createLineSender(response, gone.signal);
  try {
    const stage = await openStage();
    const now = () => Date.now() + stage.clockOffsetMs;
    const own: Context = {
      ...context,
      now,
      openStage: async () => stage,
      // A rotation waits for 20 minutes: neither a page that is gone nor Ctrl-C may wait for that.
      sleep: (durationMs) => context.sleep(durationMs, signal),
      noteInterruption: () => interruptionBy(signal),
    };
    const result = await called.run(input as never, {
      ...{ stage, now, context: own, runProgram, signal },
      report: (progress: unknown) => send({ progress }),
    });
    await send({ result });
  } catch (thrown) {
    await send({ error: failureText(thrown, stageName) });
  }
  response.end();
}

/** Writes lines until the response ends, and awaits the connection: what is sent meanwhile awaits it as well. */
function createLineSender(response: ServerResponse, gone: AbortSignal): (line: object) => Promise<void> {
  let drained: Promise<unknown> | undefined;
  return async (line) => {
    // A write after the end is an error of the response, which would end the console: work beside a failed call may report.
    if (gone.aborted || response.writableEnded) return;
    if (response.write(`${JSON.stringify(line)}\n`)) return;
    // One listener, however many lines wait.
    drained ??= once(response, 'drain', { signal: gone })
      .catch(() => undefined)
      .finally(() => {
        drained = undefined;
      });
    await drained;
  };
}

/** For the operator. */
function failureText(thrown: unknown, stageName: string): string {
  const failure = ledgerFailure(thrown, { name: stageName });
  if (failure instanceof CommandFailed) return failure.message;
  const text = failure instanceof Error ? failure.message : String(failure);
  return awsFailure(failure, whereOf(stageName)) ?? `unexpected: ${text}`;
}
