import * as z from 'zod';
import { EVENT_TYPES, KINDS, typeOfKind } from '../lambdas/contract/event-types/event-types.ts';
import type { Integration } from '../lambdas/contract/integration.ts';
import { type RetryPolicy, retryPolicyOf, schedule, totalWaitMs } from '../lambdas/domain/retry-policy.ts';
import { readFlags, UsageError } from '../local/command-line.ts';
import { CommandFailed } from './command-failed.ts';
import type { Context } from './context.ts';
import { entryOf, readEntry } from './integrations-document.ts';
import { readSource } from './integrations-source.ts';
import { runCommand } from './run-command.ts';
import { alignColumns } from './table.ts';

export const RETRY_SCHEDULE_USAGE = `usage: npm run retry-schedule -- --integration ID [--stage NAME | --file FILE] [--event-type TYPE] [--at TIME]
  when a webhook would be tried, in clock time, if every try failed
  --stage NAME        whose document of integrations (default: local, the platform that "npm start" runs)
  --file FILE         a document on disk instead
  --event-type TYPE   ${EVENT_TYPES.join(' or ')} (default: each)
  --at TIME           of the first try, as 2026-01-31T09:00:00+01:00 (default: now)`;

const READING = `
earliest: every try before fails at once; latest: each takes all of its timeout. Retry-After of the partner, a rate
limit and a pause put tries off beyond that.`;

/** `npm run retry-schedule`. @throws UsageError; CommandFailed */
export async function retrySchedule(words: readonly string[], context: Context): Promise<number> {
  const values = readFlags(words, {
    integration: { type: 'string' },
    stage: { type: 'string' },
    file: { type: 'string' },
    'event-type': { type: 'string' },
    at: { type: 'string' },
  });
  const { integration: id, stage, file } = values;
  if (id === undefined) throw new UsageError('--integration takes the id of an integration');
  if (stage !== undefined && file !== undefined) throw new UsageError('--stage or --file, not both');
  const kinds = readKinds(values['event-type']);
  const startMs = readTime(values.at) ?? context.now();

  const { document, from } = await readSource({ stage, file }, context);
  const read = readEntry(entryOf(document, id));
  if ('faults' in read) throw new CommandFailed(`the entry of ${id} does not fit: ${read.faults.join('; ')}`);
  const { print } = context.terminal;
  print(`integration ${id}, ${from}`);
  for (const kind of kinds) print(`\n${describeSchedule(read.integration, kind, startMs)}`);
  print(READING);
  return 0;
}

/** By kinds' names: a type with kinds of their own rules is all of them. */
function readKinds(text: string | undefined): readonly string[] {
  const known = KINDS.filter((kind) => text === undefined || kind === text || typeOfKind(kind) === text);
  if (known.length === 0) throw new UsageError(`--event-type takes ${EVENT_TYPES.join(' or ')}`);
  return known;
}

function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (z.iso.datetime({ offset: true }).safeParse(text).success) return Date.parse(text);
  throw new UsageError('--at takes a time with its offset, as 2026-01-31T09:00:00+01:00 or 2026-01-31T08:00:00Z');
}

/** The tries of one kind of event, from the first at `startMs`, and what they come to in all. */
export function describeSchedule(
  integration: Integration,
  kind: string,
  startMs: number,
  offsetMinutes = (ms: number) => -new Date(ms).getTimezoneOffset(),
): string {
  const policy = retryPolicyOf(integration, kind);
  const rows = schedule(policy);
  const clock = (ms: number) => clockTime(startMs + ms, offsetMinutes(startMs + ms));
  const lines = rows.map(({ attempt, timeoutMs, earliestMs, latestMs }) => {
    return [String(attempt), waitBefore(attempt, policy), duration(timeoutMs), clock(earliestMs), clock(latestMs)];
  });
  const last = rows.at(-1);
  const endMs = (last?.latestMs ?? 0) + (last?.timeoutMs ?? 0);
  const tries = rows.length === 1 ? 'one try' : `${rows.length} tries`;
  return `${kind}
${alignColumns([['try', 'wait before it', 'timeout', 'earliest', 'latest'], ...lines])}
total: ${tries}, ${duration(totalWaitMs(policy))} of waiting; at the latest given up at ${clock(endMs)}`;
}

function waitBefore(attempt: number, { delaysMs, onceMoreAfterMs, timeoutsMs }: RetryPolicy): string {
  if (attempt === 1) return '-';
  const delayMs = delaysMs[((attempt - 1) % timeoutsMs.length) - 1];
  return delayMs === undefined ? `${duration(onceMoreAfterMs ?? 0)} +10%` : `${duration(delayMs)} ±10%`;
}

/** `2026-01-31 09:00:00 +01:00` */
export function clockTime(ms: number, offsetMinutes: number): string {
  const shifted = new Date(ms + offsetMinutes * 60_000).toISOString();
  const minutes = Math.abs(offsetMinutes);
  const two = (value: number) => String(Math.trunc(value)).padStart(2, '0');
  const offset = `${offsetMinutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)} ${offset}`;
}

/** In the largest unit that leaves at most one decimal: `4 s`, `5 min`, `2 h`, `23.6 h`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120) return `${oneDecimal(seconds)} s`;
  return seconds < 7200 ? `${oneDecimal(seconds / 60)} min` : `${oneDecimal(seconds / 3600)} h`;
}

function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}

if (import.meta.main) await runCommand(retrySchedule, RETRY_SCHEDULE_USAGE);
