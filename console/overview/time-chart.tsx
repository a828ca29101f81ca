import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import MixedLineBarChart, { type MixedLineBarChartProps } from '@cloudscape-design/components/mixed-line-bar-chart';
import type { ReactNode } from 'react';
import type { Charts, Series } from '../../commands/status/read-charts.ts';
import { PageLink } from '../components/page-link.tsx';
import { axisEnd, describeSeries, periodText, pointsOf } from './chart-data.ts';

/** Of the plot, in pixels. */
const HEIGHT = 130;

export interface TimeChartProps {
  readonly title: string;
  /** Where the details are. */
  readonly href: string;
  readonly charts: Charts;
  /** Bars where periods may have no value: they leave a gap. */
  readonly type: 'line' | 'bar';
  readonly series: readonly { readonly title: string; readonly values: Series; readonly color?: string }[];
  readonly format: (value: number) => string;
  /** The end of the vertical axis; without it the largest value decides. */
  readonly end?: number;
  /** Dashed lines. */
  readonly thresholds?: readonly { readonly title: string; readonly y: number }[];
  /** Where no period has a value. */
  readonly empty: string;
}

/** One chart of the overview. */
export function TimeChart(props: TimeChartProps): ReactNode {
  const { title, href, charts, type, format, thresholds = [], empty } = props;
  const named = props.series.map((each) => ({ ...each, points: pointsOf(charts, each.values) }));
  const all = named.flatMap(({ points }) => points.map(({ y }) => y));
  const series: MixedLineBarChartProps.ChartSeries<number>[] = [
    ...named.map(({ title: name, points, color }) => ({
      ...{ type, title: name, data: points, valueFormatter: format },
      ...(color !== undefined && { color }),
    })),
    ...thresholds.map(({ title: name, y }) => ({ type: 'threshold' as const, title: name, y, valueFormatter: format })),
  ];
  return (
    <Container
      header={
        <Header variant="h3" headingTagOverride="h2">
          <PageLink to={href}>{title}</PageLink>
        </Header>
      }
    >
      <MixedLineBarChart
        series={all.length === 0 ? [] : series}
        xScaleType="categorical"
        xDomain={charts.times}
        yDomain={[0, props.end ?? axisEnd(all)]}
        xTickFormatter={(ms) => periodText(charts.span, ms)}
        yTickFormatter={format}
        height={HEIGHT}
        hideFilter
        hideLegend={series.length === 1}
        stackedBars={type === 'bar'}
        ariaLabel={title}
        ariaDescription={describeSeries(named, format)}
        empty={
          <Box textAlign="center" color="text-body-secondary">
            {empty}
          </Box>
        }
      />
    </Container>
  );
}
