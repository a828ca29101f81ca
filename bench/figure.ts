import { type Spread, spread } from './statistics.ts';
import { formatColumns } from './table.ts';

/** What a figure must reach to be as good as was asked for. */
export interface Target {
  /** `ratio`: the value by its baseline's. */
  readonly of: 'value' | 'ratio';
  readonly is: 'at least' | 'at most';
  readonly bound: number;
}

/** One measured figure, as `--json` prints it: an object on a line of its own. */
export interface Figure {
  /** `<bench>.<what>` */
  readonly name: string;
  /** The median of the runs. */
  readonly value: number;
  readonly unit: string;
  /** What was measured beside it, in the same run and unit; the median. Null where the figure stands alone. */
  readonly baseline: number | null;
  /** What the baseline is. */
  readonly against: string | null;
  /** Value by baseline: the median of the ratios of each run, so that what slows both down changes nothing. */
  readonly ratio: number | null;
  readonly runs: number;
  /** Least and most of the ratios; of the values where there is no baseline. */
  readonly spread: { readonly min: number; readonly max: number };
  readonly target: Target | null;
  readonly isMet: boolean | null;
}

/** What a benchmark knows of a figure; spreads are over its runs. */
export interface Found {
  readonly name: string;
  readonly unit: string;
  readonly value: Spread;
  readonly runs: number;
  readonly beside?: { readonly name: string; readonly value: Spread; readonly ratio: Spread };
  readonly target?: Target;
}

/** @throws RangeError where its target is of a ratio, and there is none */
export function figureOf({ name, unit, value, runs, beside, target }: Found): Figure {
  const { min, max } = beside?.ratio ?? value;
  return {
    name,
    value: value.median,
    unit,
    baseline: beside?.value.median ?? null,
    against: beside?.name ?? null,
    ratio: beside?.ratio.median ?? null,
    runs,
    spread: { min, max },
    target: target ?? null,
    isMet: target === undefined ? null : isMet(target, target.of === 'value' ? value : beside?.ratio, name),
  };
}

export interface Measured extends Pick<Found, 'name' | 'unit' | 'target'> {
  /** One for each run. */
  readonly values: readonly number[];
  /** One for each run, taken beside the value of the same place. */
  readonly baseline?: { readonly name: string; readonly values: readonly number[] };
}

/** @throws RangeError where there is no value, or not a baseline for each */
export function figure({ values, baseline, ...about }: Measured): Figure {
  const found = { ...about, value: spread(values), runs: values.length };
  if (baseline === undefined) return figureOf(found);
  if (baseline.values.length !== values.length) {
    throw new RangeError(`${about.name}: ${values.length} values beside ${baseline.values.length} of its baseline`);
  }
  const ratio = spread(values.map((value, index) => value / (baseline.values[index] as number)));
  return figureOf({ ...found, beside: { name: baseline.name, value: spread(baseline.values), ratio } });
}

function isMet({ is, bound }: Target, measured: Spread | undefined, name: string): boolean {
  if (measured === undefined) throw new RangeError(`${name}: a target of its ratio, and no baseline`);
  return is === 'at least' ? measured.median >= bound : measured.median <= bound;
}

/** For people: a line for each figure. */
export function formatFigures(figures: readonly Figure[]): string {
  const header = ['figure', 'value', 'unit', 'baseline', 'ratio', 'least', 'most', 'runs', 'target', 'met'];
  const rows = figures.map((each) => [
    each.name,
    short(each.value),
    each.unit,
    each.baseline === null ? '' : short(each.baseline),
    each.ratio === null ? '' : short(each.ratio),
    short(each.spread.min),
    short(each.spread.max),
    String(each.runs),
    targetText(each.target),
    each.isMet === null ? '' : each.isMet ? 'yes' : 'no',
  ]);
  return formatColumns([header, ...rows]);
}

/** Three digits that count, without an exponent. */
function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(6, digits));
}

function targetText(target: Target | null): string {
  if (target === null) return '';
  return `${target.of === 'ratio' ? 'ratio ' : ''}${target.is === 'at least' ? '≥' : '≤'} ${target.bound}`;
}
