import { geometric, lognormal, type Random } from './random.ts';

export const HOURS_OF_WEEK = 168;
/** No rows are warmed of learners whose last activity is longer ago. Longer than any `activeDays` that is set. */
export const OLDEST_DAYS = 60;

/** What learners do in a week, for one completion after another. */
export interface Activity {
  /** Relative number of completions in each hour of the week, from Monday 00:00 UTC. */
  readonly hourWeights: readonly number[];
  /**
   * The active days of a learner before the day of the completion: how many days before it, in ascending order, from 1.
   * Empty if the course was begun on the day it was completed.
   */
  daysBefore(hourOfWeek: number, random: Random): readonly number[];
  /**
   * Learners in courses, completed or not, by the number of days since their last activity, for each completion a day: `[0]`
   * were active on the last day of the table.
   */
  readonly rowsByAge: readonly number[];
}

/** How learners take one kind of course. */
interface CourseKind {
  /** Days with activity of a learner who completes it, the last one included. */
  activeDays(random: Random): number;
  /** From one day with activity to the next: days, from 1. */
  gapDays(random: Random): number;
  /** Learners who begin and do not complete it, for each who does. */
  readonly dropouts: number;
  /** Their days with activity. */
  dropoutDays(random: Random): number;
}

/**
 * Courses of weeks, as on edX. "For registrants who explored or were certified, the typical registrant accessed course content
 * over 24 to 63 separate days", and over "two to five" of all who viewed it (HarvardX and MITx, the first year, 2014). Of those
 * who intended to earn a certificate 24% did (the same, two years, 2015), so there are 3.2 others for each.
 * Assumed: three days a week.
 */
const COURSE: CourseKind = {
  activeDays: (random) => Math.max(1, Math.round(lognormal(random, 40, 0.35))),
  gapDays: (random) => geometric(random, 7 / 3),
  dropouts: 3.2,
  dropoutDays: (random) => geometric(random, 3.5),
};

/**
 * Courses of an hour or two. "Only 23 per cent manage to complete a course in one stint" (a study of Skillsoft's in 15
 * organisations, Personnel Today); over 80% complete a course of up to 30 minutes (Skilljar, 2016).
 * Assumed: in 2 to 4 days, twice a week.
 */
const MODULE: CourseKind = {
  activeDays: (random) => (random() < 0.23 ? 1 : 2 + Math.floor(3 * random())),
  gapDays: (random) => geometric(random, 7 / 2),
  dropouts: 0.25,
  dropoutDays: () => 1,
};

/**
 * Completions by the hour of a working day, UTC: activity is least at 5 h, most before noon, less until 19 h, and rises again
 * (views of a university's Moodle by hour, djon.es). Assumed: all learners in one time zone, which makes the busiest hour
 * busier, and weekends with 0.4 of it.
 */
const HOURS_OF_DAY = [3, 2, 1.5, 1, 0.7, 0.5, 1, 2.5, 5, 8, 9.5, 10, 9, 8.5, 8.5, 8, 7, 6, 5, 5, 6, 6, 5.5, 4];
const WEEKEND = 0.4;

const SAMPLED_LEARNERS = 20_000;

/** @param modules share of completions that are of short courses */
export function modelledActivity(modules: number, random: Random): Activity {
  const kindOf = (r: Random) => (r() < modules ? MODULE : COURSE);
  return {
    hourWeights: Array.from({ length: HOURS_OF_WEEK }, (_, hour) => {
      const weight = HOURS_OF_DAY[hour % 24] as number;
      return hour >= 5 * 24 ? weight * WEEKEND : weight;
    }),
    daysBefore(_, r) {
      const kind = kindOf(r);
      return summed(gaps(kind, kind.activeDays(r), r));
    },
    rowsByAge: sampledRowsByAge(kindOf, random),
  };
}

function gaps(kind: CourseKind, activeDays: number, random: Random): number[] {
  return Array.from({ length: activeDays - 1 }, () => kind.gapDays(random));
}

function summed(all: readonly number[]): number[] {
  let total = 0;
  return all.map((one) => {
    total += one;
    return total;
  });
}

function sampledRowsByAge(kindOf: (random: Random) => CourseKind, random: Random): number[] {
  const rows = new Array<number>(OLDEST_DAYS).fill(0);
  for (let sampled = 0; sampled < SAMPLED_LEARNERS; sampled += 1) {
    const kind = kindOf(random);
    addAges(rows, gaps(kind, kind.activeDays(random), random), 1 / SAMPLED_LEARNERS);
    addAges(rows, gaps(kind, kind.dropoutDays(random), random), kind.dropouts / SAMPLED_LEARNERS);
  }
  return rows;
}

/** Over all days a learner's last activity is `age` days ago once in every longer gap, and once after the last activity. */
export function addAges(rows: number[], gapsOfLearner: readonly number[], weight: number): void {
  for (const gap of [...gapsOfLearner, rows.length]) {
    for (let age = 0; age < Math.min(gap, rows.length); age += 1) rows[age] = (rows[age] as number) + weight;
  }
}
