import { KINDS, typeOfKind } from '../../lambdas/events/event-types/event-types.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { type RetryPolicy, retryPolicyOf, schedule, totalWaitMs } from '../../lambdas/partners/retry-policy.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { alignColumns, counted, formatDuration } from '../shared/format.ts';
import { entryOf, readEntry } from './integrations-document.ts';
import { readSource, type SourceOptions } from './integrations-source.ts';

const READING = `
earliest: every attempt before fails at once; latest: each takes all of its timeout. The partner's Retry-After, a rate
limit and a pause delay attempts beyond that.`;

export interface RetryScheduleOptions extends SourceOptions {
  readonly integration: string;
  /** A type with kinds of their own rules is all of them; undefined: every type. */
  readonly eventType?: string | undefined;
  /** Of the first attempt, in epoch milliseconds. */
  readonly at?: number | undefined;
  readonly json?: true | undefined;
}

/** `retry-schedule`. @throws CommandFailed */
export async function retrySchedule(options: RetryScheduleOptions, context: Context): Promise<number> {
  const { integration: id, eventType: type } = options;
  const kinds = KINDS.filter((kind) => type === undefined || kind === type || typeOfKind(kind) === type);
  const { document, from } = await readSource(options, context);
  const startMs = options.at ?? context.now();
  const read = readEntry(entryOf(document, id));
  if ('faults' in read) throw new CommandFailed(`the entry of ${id} does not fit: ${read.faults.join('; ')}`);
  const { print } = context.terminal;
  if (options.json) {
    print(JSON.stringify({ integration: id, from, schedules: retrySchedules(read.integration, kinds, startMs) }));
    return 0;
  }
  print(`integration ${id}, ${from}`);
  for (const kind of kinds) print(`\n${formatSchedule(read.integration, kind, startMs)}`);
  print(READING);
  return 0;
}

/** The schedules of kinds of events, as their JSON document has them. @param startMs of the first attempt, in epoch milliseconds */
export function retrySchedules(integration: Integration, kinds: readonly string[], startMs: number): RetrySchedule[] {
  return kinds.map((kind) => scheduleFields(integration, kind, startMs));
}

/** Times in UTC, durations in milliseconds. */
export type RetrySchedule = ReturnType<typeof scheduleFields>;

function scheduleFields(integration: Integration, kind: string, startMs: number) {
  const policy = retryPolicyOf(integration, kind);
  const at = (ms: number) => new Date(startMs + ms).toISOString();
  return {
    kind,
    attempts: schedule(policy).map(({ attempt, timeoutMs, earliestMs, latestMs }) => ({
      ...{ attempt, timeout_ms: timeoutMs, earliest: at(earliestMs), latest: at(latestMs) },
    })),
    total_wait_ms: totalWaitMs(policy),
  };
}

/** The attempts of one kind of event, from the first at `startMs`, and their total. */
export function formatSchedule(
  integration: Integration,
  kind: string,
  startMs: number,
  offsetMinutes = (ms: number) => -new Date(ms).getTimezoneOffset(),
): string {
  const policy = retryPolicyOf(integration, kind);
  const rows = schedule(policy);
  const clock = (ms: number) => clockTime(startMs + ms, offsetMinutes(startMs + ms));
  const lines = rows.map(({ attempt, timeoutMs, earliestMs, latestMs }) => {
    return [
      String(attempt),
      waitBefore(attempt, policy),
      formatDuration(timeoutMs),
      clock(earliestMs),
      clock(latestMs),
    ];
  });
  const last = rows.at(-1);
  const endMs = (last?.latestMs ?? 0) + (last?.timeoutMs ?? 0);
  return `${kind}
${alignColumns([['attempt', 'wait before it', 'timeout', 'earliest', 'latest'], ...lines])}
total: ${counted(rows.length, 'attempt')}, ${formatDuration(totalWaitMs(policy))} of waiting; the last one ends at ${clock(endMs)} at the latest`;
}

function waitBefore(attempt: number, { delaysMs, secondRoundAfterMs, timeoutsMs }: RetryPolicy): string {
  if (attempt === 1) return '-';
  const delayMs = delaysMs[((attempt - 1) % timeoutsMs.length) - 1];
  return delayMs === undefined ? `${formatDuration(secondRoundAfterMs ?? 0)} +10%` : `${formatDuration(delayMs)} ±10%`;
}

/** `2026-01-31 09:00:00 +01:00` */
export function clockTime(ms: number, offsetMinutes: number): string {
  const shifted = new Date(ms + offsetMinutes * 60_000).toISOString();
  const minutes = Math.abs(offsetMinutes);
  const two = (value: number) => String(Math.trunc(value)).padStart(2, '0');
  const offset = `${offsetMinutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)} ${offset}`;
}
