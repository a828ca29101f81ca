/** A warehouse that suspends itself, as Snowflake bills it: by the second while it runs, at least 60 s after each start. */
export interface WarehouseTerms {
  readonly querySeconds: number;
  /** `AUTO_SUSPEND`. */
  readonly suspendSeconds: number;
  /** By size: 1 for X-Small. */
  readonly creditsPerHour: number;
  /** US dollars. */
  readonly creditPrice: number;
}

/** X-Small; $3 is about the list price of a credit of the Enterprise edition in US regions (Standard: $2). */
export const TERMS: WarehouseTerms = { querySeconds: 2.5, suspendSeconds: 60, creditsPerHour: 1, creditPrice: 3 };

/** What the warm query takes once a day: assumed. It reads every row of the active learners, over all time. */
export const WARM_QUERY_SECONDS = 120;

const LEAST_BILLED_SECONDS = 60;
const HOURS_OF_WEEK = 168;
export const HOURS_OF_MONTH = 730;

/**
 * How long the warehouse runs.
 *
 * @param queriesAt in seconds, in ascending order
 */
export function runningSeconds(
  queriesAt: readonly number[],
  { querySeconds, suspendSeconds }: Pick<WarehouseTerms, 'querySeconds' | 'suspendSeconds'>,
): number {
  let total = 0;
  let startedAt = Number.NEGATIVE_INFINITY;
  let runsUntil = Number.NEGATIVE_INFINITY;
  const billed = () =>
    runsUntil === Number.NEGATIVE_INFINITY ? 0 : Math.max(LEAST_BILLED_SECONDS, runsUntil - startedAt);
  for (const at of queriesAt) {
    if (at > runsUntil) {
      total += billed();
      startedAt = at;
    }
    runsUntil = Math.max(runsUntil, at + querySeconds + suspendSeconds);
  }
  return total + billed();
}

/** Dollars a month of a warehouse that runs so long in a week. */
export function monthlyCost(secondsOfWeek: number, { creditsPerHour, creditPrice }: WarehouseTerms): number {
  const share = Math.min(1, secondsOfWeek / 3600 / HOURS_OF_WEEK);
  return share * HOURS_OF_MONTH * creditsPerHour * creditPrice;
}

/** The same with a warm query each day, while nothing else keeps the warehouse awake. */
export function monthlyCostWarmed(secondsOfWeek: number, terms: WarehouseTerms): number {
  return monthlyCost(secondsOfWeek + 7 * (WARM_QUERY_SECONDS + terms.suspendSeconds), terms);
}
