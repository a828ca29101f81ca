import type { EndedExecution, SweepProgress } from '../ledger/table/sweep-progress.ts';
import { DAY_MS, MINUTE_MS } from '../shared/durations.ts';
import { errorFields } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';

export interface SweepServices {
  /** Failed, timed out and aborted executions, in any order. */
  listEnded(): AsyncIterable<EndedExecution>;
  rescue(executionArn: string): Promise<void>;
  /** Progress of the sweeps; undefined before the first one. @throws LedgerUnavailable */
  readProgress(): Promise<SweepProgress | undefined>;
  /** @throws LedgerUnavailable */
  writeProgress(progress: SweepProgress): Promise<void>;
  readonly log: Log;
  now(): number;
  /** Time until this invocation's timeout, in milliseconds. */
  remainingMs(): number;
}

/**
 * More recent failures are left to the rule: its event may not have arrived yet, and listings are eventually
 * consistent.
 */
export const SWEEP_AFTER_MS = 5 * MINUTE_MS;

/** Look-back of the first sweep: the time for which Step Functions allows an execution to be redriven. */
export const FIRST_SWEEP_MS = 14 * DAY_MS;

/** How long after its end a failed rescue is retried; afterwards the reconciler finds the delivery stuck. */
export const RESCUED_FOR_MS = DAY_MS;

/** Largest number of failed rescues stored for the next sweep: at 150 bytes each, far under an item's 400 KB. */
export const MAX_FAILED = 100;

/**
 * Time reserved at the end of an invocation, in milliseconds: a rescue with two calls that time out, and the write of
 * the progress, 15 s each, and a margin. Without the write, the next sweep would repeat the whole sweep.
 */
export const RESERVE_MS = 50_000;

/**
 * Rescues executions that the rule missed, because Step Functions emits events on a best-effort basis. Each failed
 * execution is handled once, in the order of their end times, and the progress stores the time reached. A sweep that
 * runs out of time leaves the others to the next one.
 *
 * @throws the last rescue's error, after all rescues, so that the invocation counts as failed
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
      // An execution that ended in the same millisecond may be handled twice, which has no effect.
      upToMs = isFirstTime ? execution.stoppedAtMs - 1 : before.upToMs;
      break;
    }
    try {
      await rescue(execution.executionArn);
      swept += 1;
    } catch (thrown) {
      failure = thrown;
      const isTooOld = now() - execution.stoppedAtMs > RESCUED_FOR_MS;
      if (!isTooOld) failed.push(execution);
      const message = isTooOld ? 'execution.sweep_abandoned' : 'execution.sweep_failed';
      log.error(message, { execution: execution.executionArn, ...errorFields(thrown) });
    }
  }
  await services.writeProgress({ upToMs, failed });
  log.info('executions.swept', { swept, failed: failed.length, up_to: new Date(upToMs).toISOString() });
  if (failure !== undefined) throw failure;
}

/** Executions that ended after `fromMs` and up to `untilMs`, earliest first. */
async function endedBetween(fromMs: number, untilMs: number, { listEnded }: SweepServices): Promise<EndedExecution[]> {
  const found: EndedExecution[] = [];
  for await (const execution of listEnded()) {
    if (execution.stoppedAtMs > fromMs && execution.stoppedAtMs <= untilMs) found.push(execution);
  }
  return found.toSorted((one, other) => one.stoppedAtMs - other.stoppedAtMs);
}
