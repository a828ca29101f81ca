import type { ChartSpan, Charts, Series } from '../../commands/status/read-charts.ts';

export interface ChartPoint {
  /** Epoch milliseconds at which the period begins. */
  readonly x: number;
  readonly y: number;
}

/** The values that there are: a period without one leaves a gap. */
export function pointsOf({ times }: Pick<Charts, 'times'>, series: Series): readonly ChartPoint[] {
  return times.flatMap((x, index) => {
    const y = series[index] ?? null;
    return y === null ? [] : [{ x, y }];
  });
}

/** An end of the vertical axis that holds all values: 1, 2 or 5 times a power of ten, at least 1. */
export function axisEnd(values: readonly number[]): number {
  const largest = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(largest));
  const factor = [1, 2, 5, 10].find((each) => each * power >= largest) ?? 10;
  return factor * power;
}

/** When a period begins, UTC: `14:05` of an hour, `Mon 15:00` of a week. */
export function periodText(span: ChartSpan, ms: number): string {
  const date = new Date(ms);
  const time = date.toISOString().slice(11, 16);
  return span === 'hour' ? time : `${DAYS[date.getUTCDay()]} ${time}`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** What a screen reader says of a chart: the last and the largest value of each series. */
export function describeSeries(
  named: readonly { readonly title: string; readonly points: readonly ChartPoint[] }[],
  format: (value: number) => string,
): string {
  return named
    .map(({ title, points }) => {
      const last = points.at(-1);
      if (last === undefined) return `${title}: no value.`;
      return `${title}: last ${format(last.y)}, largest ${format(Math.max(...points.map(({ y }) => y)))}.`;
    })
    .join(' ');
}
