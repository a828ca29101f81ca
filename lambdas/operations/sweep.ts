import { errorFields } from '../contract/errors.ts';
import type { Log } from '../contract/log.ts';

/** An execution that ended without succeeding. */
export interface EndedExecution {
  readonly executionArn: string;
  readonly stoppedAtMs: number;
}

export interface SweepServices {
  /** Failed, timed out and aborted executions, in any order. */
  listEnded(): AsyncIterable<EndedExecution>;
  rescue(executionArn: string): Promise<void>;
  readonly log: Log;
  now(): number;
}

/** Younger failures are the rule's; its event may still be on its way. */
export const SWEEP_AFTER_MS = 5 * 60_000;

/** Older ones were swept many times over, at one sweep every 15 minutes. */
export const SWEEP_UNTIL_MS = 24 * 3600_000;

/**
 * Rescues what the rule missed: Step Functions emits its events at best effort. Rescuing twice does nothing, so every
 * execution of the last day is tried.
 *
 * @throws the last rescue's error, after all others were tried, so that the invocation counts as failed
 */
export async function sweep({ listEnded, rescue, log, now }: SweepServices): Promise<void> {
  let failure: unknown;
  let swept = 0;
  for await (const { executionArn, stoppedAtMs } of listEnded()) {
    const ageMs = now() - stoppedAtMs;
    if (ageMs < SWEEP_AFTER_MS || ageMs > SWEEP_UNTIL_MS) continue;
    swept += 1;
    try {
      await rescue(executionArn);
    } catch (thrown) {
      failure = thrown;
      log.error('execution.sweep_failed', { execution: executionArn, ...errorFields(thrown) });
    }
  }
  log.info('executions.swept', { swept });
  if (failure !== undefined) throw failure;
}
