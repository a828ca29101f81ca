import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { UsageError } from '../../local/command-line.ts';
import { type Activity, addAges, HOURS_OF_WEEK, OLDEST_DAYS } from './activity.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 1970-01-05 was a Monday. */
const MONDAY_MS = 4 * DAY_MS;

/** One learner in one course. Days are UTC. */
const line = z.strictObject({
  active_days: z.array(z.iso.date()).min(1),
  /** Absent if the learner has not completed it. */
  completed_at: z.iso.datetime().optional(),
});

/**
 * Real activity: a line of JSON for each learner in each course, such as
 * `{"active_days":["2026-01-03","2026-01-10"],"completed_at":"2026-01-10T12:00:00Z"}`.
 * Completions of several weeks are taken together, by their hour of the week.
 *
 * @throws UsageError if a line is not like that, or none has a completion
 */
export function activityOfFile(path: string): Activity {
  const byHour: number[][][] = Array.from({ length: HOURS_OF_WEEK }, () => []);
  const rows = new Array<number>(OLDEST_DAYS).fill(0);
  let completions = 0;
  for (const { active_days, completed_at } of readLines(path)) {
    const days = [...new Set(active_days.map((day) => Date.parse(day) / DAY_MS))].toSorted((a, b) => a - b);
    addAges(
      rows,
      days.slice(1).map((day, index) => day - (days[index] as number)),
      1,
    );
    if (completed_at === undefined) continue;
    completions += 1;
    const atMs = Date.parse(completed_at);
    const day = Math.floor(atMs / DAY_MS);
    const before = days.filter((one) => one < day).map((one) => day - one);
    const hour = Math.floor((atMs - MONDAY_MS) / HOUR_MS) % HOURS_OF_WEEK;
    byHour[hour]?.push(before.toReversed());
  }
  if (completions === 0) throw new UsageError(`${path} has no completion`);
  return {
    hourWeights: byHour.map(({ length }) => length),
    daysBefore(hour, random) {
      const all = byHour[hour] ?? [];
      return all[Math.floor(random() * all.length)] ?? [];
    },
    rowsByAge: rows.map((count) => count / completions),
  };
}

function* readLines(path: string): Generator<z.infer<typeof line>> {
  for (const [index, text] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (text.trim() === '') continue;
    const result = line.safeParse(parsed(text));
    if (!result.success) throw new UsageError(`${path}, line ${index + 1}: ${z.prettifyError(result.error)}`);
    yield result.data;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
