import type { RetrySchedule } from '../../commands/integration/retry-schedule.ts';
import { formatDuration } from '../../commands/shared/format.ts';

/** When an attempt is made, in milliseconds after the first one. */
export interface RetryTime {
  /** 1 for the first. */
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** The attempts of a schedule, with times counted from the first one. */
export function retryTimes({ attempts }: RetrySchedule): RetryTime[] {
  const startMs = Date.parse(attempts[0]?.earliest ?? '');
  return attempts.map(({ attempt, timeout_ms: timeoutMs, earliest, latest }) => ({
    ...{ attempt, timeoutMs },
    earliestMs: Date.parse(earliest) - startMs,
    latestMs: Date.parse(latest) - startMs,
  }));
}

/** When the last attempt of all ends at the latest, in milliseconds after the first one began. */
export function endOf(times: readonly RetryTime[]): number {
  return Math.max(0, ...times.map(({ latestMs, timeoutMs }) => latestMs + timeoutMs));
}

/** `attempt 5: 4.6 min to 6.4 min after the first one, timeout 15 s` */
export function describeAttempt({ attempt, timeoutMs, earliestMs, latestMs }: RetryTime): string {
  const timeout = `timeout ${formatDuration(timeoutMs)}`;
  if (attempt === 1) return `attempt 1: at once, ${timeout}`;
  const times =
    earliestMs === latestMs
      ? formatDuration(earliestMs)
      : `${formatDuration(earliestMs)} to ${formatDuration(latestMs)}`;
  return `attempt ${attempt}: ${times} after the first one, ${timeout}`;
}

/** Kinds of events that have the same schedule, in their order. */
export interface ScheduleGroup {
  readonly kinds: readonly string[];
  readonly schedule: RetrySchedule;
}

/** Groups schedules that differ only in their kind. */
export function groupSchedules(schedules: readonly RetrySchedule[]): ScheduleGroup[] {
  const groups = Map.groupBy(schedules, ({ attempts }) => JSON.stringify(attempts));
  return [...groups.values()].flatMap((some) => {
    const [schedule] = some;
    return schedule === undefined ? [] : [{ kinds: some.map(({ kind }) => kind), schedule }];
  });
}
