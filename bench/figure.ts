import { spread } from './statistics.ts';

/** The target of a figure. */
export interface Target {
  /** `ratio`: the value by its baseline's. */
  readonly of: 'value' | 'ratio';
  readonly is: 'at least' | 'at most';
  readonly bound: number;
}

/** One measured figure; `--json` prints each on a line. */
export interface Figure {
  /** `<bench>.<what>` */
  readonly name: string;
  /** The median of the runs. */
  readonly value: number;
  readonly unit: string;
  /** The median of the comparison in the same run and unit; null without one. */
  readonly baseline: number | null;
  /** The name of the baseline. */
  readonly against: string | null;
  /** Value by baseline: the median of each run's ratio, so that load that slows both does not change it. */
  readonly ratio: number | null;
  readonly runs: number;
  /** Minimum and maximum of the ratios, or of the values without a baseline. */
  readonly spread: { readonly min: number; readonly max: number };
  readonly target: Target | null;
  readonly isMet: boolean | null;
}

export interface Measured extends Pick<Figure, 'name' | 'unit'> {
  /** One for each run. */
  readonly values: readonly number[];
  /** One for each run, measured next to the value of the same index. */
  readonly baseline?: { readonly name: string; readonly values: readonly number[] };
  readonly target?: Target;
}

/** @throws RangeError if there is no value, no baseline for each value, or no ratio for a target of it */
export function figure({ name, unit, values, baseline, target }: Measured): Figure {
  if (baseline !== undefined && baseline.values.length !== values.length) {
    throw new RangeError(`${name}: ${values.length} values and ${baseline.values.length} of its baseline`);
  }
  const ratio = baseline && spread(values.map((value, run) => value / (baseline.values[run] as number)));
  const value = spread(values);
  const { min, max } = ratio ?? value;
  return {
    name,
    value: value.median,
    unit,
    baseline: baseline ? spread(baseline.values).median : null,
    against: baseline?.name ?? null,
    ratio: ratio?.median ?? null,
    runs: values.length,
    spread: { min, max },
    target: target ?? null,
    isMet: target === undefined ? null : isMet(target, target.of === 'value' ? value.median : ratio?.median, name),
  };
}

function isMet({ is, bound }: Target, measured: number | undefined, name: string): boolean {
  if (measured === undefined) throw new RangeError(`${name}: a target for the ratio without a baseline`);
  return is === 'at least' ? measured >= bound : measured <= bound;
}

/** A line for each figure. */
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

/** Columns as wide as necessary, the first aligned to the left and the others to the right. */
function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

/** Three significant digits, without an exponent. */
function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(6, digits));
}

function targetText(target: Target | null): string {
  if (target === null) return '';
  return `${target.of === 'ratio' ? 'ratio ' : ''}${target.is === 'at least' ? '≥' : '≤'} ${target.bound}`;
}
