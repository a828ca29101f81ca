import type { ReactNode } from 'react';
import { formatNumber } from '../../commands/shared/format.ts';
import type { Charts } from '../../commands/status/read-charts.ts';
import { formatMs, SUCCESS_THRESHOLDS } from './key-numbers.ts';
import { TimeChart } from './time-chart.tsx';

/** How the stage did over time. */
export function OverviewCharts({ charts }: { readonly charts: Charts }): ReactNode {
  const { series, span } = charts;
  const each = { charts, format: formatNumber } as const;
  const none = `Nothing in this ${span}`;
  return (
    <div className="overview-charts">
      <TimeChart
        {...each}
        title="Events in, deliveries out"
        href="/deliveries"
        type="line"
        series={[
          { title: 'events', values: series.events },
          { title: 'deliveries', values: series.delivered },
        ]}
        empty={none}
      />
      <TimeChart
        {...each}
        title="Success rate of attempts"
        href="/integrations"
        type="bar"
        series={[{ title: 'successful', values: series.successRate }]}
        thresholds={[
          { title: 'warning', y: SUCCESS_THRESHOLDS.warning },
          { title: 'critical', y: SUCCESS_THRESHOLDS.critical },
        ]}
        end={100}
        format={(value) => `${Math.round(value * 10) / 10} %`}
        empty={`No attempt in this ${span}`}
      />
      <TimeChart
        {...each}
        title="p95 latency, event to 2xx response"
        href="/deliveries?state=delivered"
        type="bar"
        series={[{ title: 'p95', values: series.p95Ms }]}
        format={formatMs}
        empty={`No delivery in this ${span}`}
      />
      <TimeChart
        {...each}
        title="Waiting in queues"
        href="/architecture"
        type="line"
        series={[
          { title: 'events', values: series.eventsWaiting },
          { title: 'deliveries', values: series.deliveriesWaiting },
        ]}
        empty={none}
      />
      <TimeChart
        {...each}
        title="Parked and dead-lettered"
        href="/dead-letters"
        type="bar"
        series={[
          { title: 'parked', values: series.parked },
          { title: 'dead-lettered', values: series.dead },
        ]}
        empty={none}
      />
      <TimeChart
        {...each}
        title="Completions by flag"
        href="/rollout"
        type="line"
        series={[
          { title: 'flag on', values: series.flagOn },
          { title: 'flag off', values: series.flagOff },
        ]}
        empty={none}
      />
    </div>
  );
}
