import { findStage } from '../../lib/stage.ts';
import { EVENTS_MAPPINGS } from '../changed-assembly.ts';
import { type Figure, figure } from '../figure.ts';
import type { Activity } from './activity.ts';
import { seededRandom } from './random.ts';
import { monthlyCost, monthlyCostWarmed, runningSeconds, TERMS } from './warehouse-cost.ts';
import { type Side, type SimulatedWeek, simulateWeek } from './week.ts';

/** Requirement T14. */
const MAX_QUERIES_PER_HOUR = 500;
/** Requirement T9. */
const MIN_HIT_RATE = 0.8;
/** Completions a second in the busiest hour of which the warehouse's cost is computed. */
export const COST_RATES = [0.001, 0.01, 0.1, 0.5, 2] as const;

const WITHOUT = 'read-through alone, window 1 s';

/** The mapping of the events queue for each side. */
export const MAPPINGS = { warmed: EVENTS_MAPPINGS.noWindow, readThrough: EVENTS_MAPPINGS.window } as const;

/** The pace of a warm run with a stage's limit of Valkey: half of it, one ECPU for each entry. */
const ROWS_PER_SECOND = findStage('prod').cache.maxEcpuPerSecond / 2;
/** What a deployed stage loads. */
const { activeDays: ACTIVE_DAYS } = findStage('prod').warmCache;
export const MAX_ROWS = findStage('prod').warmCache.maxRows;

/** @param maxRows all that is selected, unless it is given */
export function weekOf(
  activity: Activity,
  busiestPerSecond: number,
  seed: number,
  maxRows = Number.POSITIVE_INFINITY,
): SimulatedWeek {
  const limits = { activeDays: ACTIVE_DAYS, maxRows, rowsPerSecond: ROWS_PER_SECOND };
  return simulateWeek({ activity, busiestPerSecond, limits, mappings: MAPPINGS, seed });
}

/** The week's figures, a run for each seed. @param name after `warming.week` */
export function weekFigures(name: string, weeks: readonly SimulatedWeek[], isAimed: boolean): Figure[] {
  const compared = (what: string, unit: string, of: (week: SimulatedWeek, side: Side) => number) => ({
    name: `warming.week${name}.${what}`,
    unit,
    values: weeks.map((week) => of(week, 'warmed')),
    baseline: { name: WITHOUT, values: weeks.map((week) => of(week, 'readThrough')) },
  });
  const hitRate = {
    name: `warming.week${name}.hit_rate`,
    unit: 'share',
    values: weeks.map(({ warmed }) => warmed.hitRate),
  };
  const busiestHour = compared('queries.busiest_hour', 'queries/h', (week, side) => week[side].busiestHour);
  return [
    figure({ ...hitRate, ...(isAimed && { target: { of: 'value', is: 'at least', bound: MIN_HIT_RATE } }) }),
    figure({
      ...busiestHour,
      ...(isAimed && { target: { of: 'value', is: 'at most', bound: MAX_QUERIES_PER_HOUR } }),
    }),
  ];
}

/** What surrounds the week's figures: how many learners are loaded, and what the warehouse costs. */
export function weekDetails(weeks: readonly SimulatedWeek[]): Figure[] {
  const of = (name: string, unit: string, value: (week: SimulatedWeek) => number) =>
    figure({ name: `warming.week.${name}`, unit, values: weeks.map(value) });
  return [
    of('completions', 'completions', ({ completions }) => completions),
    of('same_day', 'share', ({ sameDay }) => sameDay),
    of('selected', 'rows', ({ selectedRows }) => selectedRows),
    of('invocations.window_0', 'per completion', ({ warmed, completions }) => warmed.invocations / completions),
    of(
      'invocations.window_1',
      'per completion',
      ({ readThrough, completions }) => readThrough.invocations / completions,
    ),
  ];
}

/** Dollars a month for the warehouse, before and after. */
export function warehouseCost({ warmed, readThrough }: SimulatedWeek): {
  readonly before: number;
  readonly after: number;
} {
  return {
    before: monthlyCost(runningSeconds(readThrough.queriesAt, TERMS), TERMS),
    after: monthlyCostWarmed(runningSeconds(warmed.queriesAt, TERMS), TERMS),
  };
}

export function costFigures(activity: Activity, seeds: readonly number[]): Figure[] {
  return COST_RATES.map((rate) => {
    const costs = seeds.map((seed) => warehouseCost(weekOf(activity, rate, seed)));
    return figure({
      name: `warming.warehouse_cost.${rate}_per_second`,
      unit: '$/month',
      values: costs.map(({ after }) => after),
      baseline: { name: WITHOUT, values: costs.map(({ before }) => before) },
    });
  });
}

/** Seeds of as many runs, from one. */
export function seedsFrom(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => Math.floor(random() * 2 ** 31));
}
