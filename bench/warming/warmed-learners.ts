/** What bounds a warm run. */
export interface WarmLimits {
  readonly activeDays: number;
  readonly maxRows: number;
  readonly rowsPerSecond: number;
}

/** Of which learners the cache has an entry after each change of the table. */
export interface WarmedLearners {
  /** Those with activity in the last `activeDays`. */
  readonly selectedRows: number;
  /** Those that fit `maxRows`. */
  readonly rows: number;
  /** All whose last activity was fewer days before the table's last day. */
  readonly wholeDays: number;
  /** Share of those whose last activity was this number of days before it. */
  readonly shareOfLastDay: number;
  /** Second of the day at which a run is complete. */
  readonly completeAt: number;
}

/** When the table changes, UTC: assumed. It then has the activity of all days before. */
const CHANGE_AT_SECONDS = 6 * 3600;
/** Unchanged for 30 minutes, then the next run of a schedule of 15. */
const WAIT_SECONDS = 45 * 60;

/** The newest activity comes first, so the limit cuts off the oldest. */
export function warmedLearners(
  rowsByAge: readonly number[],
  completionsADay: number,
  { activeDays, maxRows, rowsPerSecond }: WarmLimits,
): WarmedLearners {
  let rows = 0;
  let selectedRows = 0;
  let wholeDays = 0;
  let shareOfLastDay = 0;
  for (const each of rowsByAge.slice(0, activeDays)) {
    const ofAge = each * completionsADay;
    selectedRows += ofAge;
    const left = maxRows - rows;
    if (left <= 0) continue;
    rows += Math.min(left, ofAge);
    if (left >= ofAge) wholeDays += 1;
    else shareOfLastDay = left / ofAge;
  }
  const completeAt = CHANGE_AT_SECONDS + WAIT_SECONDS + rows / rowsPerSecond;
  return { selectedRows, rows, wholeDays, shareOfLastDay, completeAt };
}

export interface Completion {
  /** Days with activity before the day of the completion, in ascending order. */
  readonly daysBefore: readonly number[];
  readonly secondOfDay: number;
  /** The learner's place among all with the same last day, from 0 to 1. */
  readonly rank: number;
}

/** Whether the cache has an entry: of the table's last day or before, and not cut off by the limit. */
export function isHit(warmed: WarmedLearners, { daysBefore, secondOfDay, rank }: Completion): boolean {
  const lastDay = secondOfDay >= warmed.completeAt ? 1 : 2;
  const newest = daysBefore.find((days) => days >= lastDay);
  if (newest === undefined) return false;
  const age = newest - lastDay;
  return age < warmed.wholeDays || (age === warmed.wholeDays && rank < warmed.shareOfLastDay);
}
