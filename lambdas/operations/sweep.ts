import type { EndedExecution, SweepProgress } from '../ledger/table/sweep-progress.ts';
import { DAY_MS, MINUTE_MS } from '../shared/durations.ts';
import { errorFields } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';

export interface SweepServices {
  /** Failed, timed out and aborted executions, in any order. */
  listEnded(): AsyncIterable<EndedExecution>;
  rescue(executionArn: string): Promise<void>;
  /** How far the sweeps have come; undefined before the first. @throws LedgerUnavailable */
  readProgress(): Promise<SweepProgress | undefined>;
  /** @throws LedgerUnavailable */
  writeProgress(progress: SweepProgress): Promise<void>;
  readonly log: Log;
  now(): number;
  /** How long this invocation may still run, in milliseconds. */
  remainingMs(): number;
}

/** Younger failures are the rule's; its event may still be on its way, and listings are eventually consistent. */
export const SWEEP_AFTER_MS = 5 * MINUTE_MS;

/** How far the first sweep looks back: as long as Step Functions lets an execution be redriven. */
export const FIRST_SWEEP_MS = 14 * DAY_MS;

/** How long after its end an execution is rescued again where that failed; then the reconciler finds its event stuck. */
export const RESCUED_FOR_MS = DAY_MS;

/** Largest number of failed rescues stored for the next sweep: at 150 bytes each, far under an item's 400 KB. */
export const MAX_FAILED = 100;

/**
 * Kept of an invocation's time, in milliseconds: one rescue whose two calls hang, and the writing of the progress, 15 s each. Without
 * its progress a sweep was in vain: the next one begins where it began.
 */
export const RESERVE_MS = 50_000;

/**
 * Rescues what the rule missed: Step Functions emits its events at best effort. Each failed execution is handled once, in the
 * order in which they ended; the progress has the time up to which. What a sweep has no time for is left to the next one.
 *
 * @throws the last rescue's error, after all others were made, so that the invocation counts as failed
 */
export async function sweep(services: SweepServices): Promise<void> {
  const { log, now, rescue, remainingMs } = services;
  const untilMs = now() - SWEEP_AFTER_MS;
  const before = (await services.readProgress()) ?? { upToMs: now() - FIRST_SWEEP_MS, failed: [] };
  const ended = await endedBetween(before.upToMs, untilMs, services);
  const failed: EndedExecution[] = [];
  let failure: unknown;
  let swept = 0;
  let upToMs = Math.max(before.upToMs, untilMs);
  for (const [position, execution] of [...before.failed, ...ended].entries()) {
    const isFirstTime = position >= before.failed.length;
    if (remainingMs() < RESERVE_MS || (isFirstTime && failed.length >= MAX_FAILED)) {
      failed.push(...before.failed.slice(position));
      // Another one that ended in the same millisecond may be handled twice, which does nothing.
      upToMs = isFirstTime ? execution.stoppedAtMs - 1 : before.upToMs;
      break;
    }
    try {
      await rescue(execution.executionArn);
      swept += 1;
    } catch (thrown) {
      failure = thrown;
      const hasDeadRecord = now() - execution.stoppedAtMs > RESCUED_FOR_MS;
      if (!hasDeadRecord) failed.push(execution);
      const message = hasDeadRecord ? 'execution.sweep_given_up' : 'execution.sweep_failed';
      log.error(message, { execution: execution.executionArn, ...errorFields(thrown) });
    }
  }
  await services.writeProgress({ upToMs, failed });
  log.info('executions.swept', { swept, failed: failed.length, up_to: new Date(upToMs).toISOString() });
  if (failure !== undefined) throw failure;
}

/** Those that ended after one time and not after another, the earliest first. */
async function endedBetween(fromMs: number, untilMs: number, { listEnded }: SweepServices): Promise<EndedExecution[]> {
  const found: EndedExecution[] = [];
  for await (const execution of listEnded()) {
    if (execution.stoppedAtMs > fromMs && execution.stoppedAtMs <= untilMs) found.push(execution);
  }
  return found.toSorted((one, other) => one.stoppedAtMs - other.stoppedAtMs);
}
