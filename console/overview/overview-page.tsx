import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import LiveRegion from '@cloudscape-design/components/live-region';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { shortTime } from '../../commands/shared/short-time.ts';
import type { StageStatus } from '../../commands/status/read-status.ts';
import { Failure } from '../components/failure.tsx';
import { useConsole } from '../console-context.ts';
import type { Address } from '../use-address.ts';
import { useCall } from '../use-call.ts';
import { AlarmsPanel } from './alarms-panel.tsx';
import { KeyNumbers } from './key-number-list.tsx';
import { keyNumbers } from './key-numbers.ts';
import { OverviewCharts } from './overview-charts.tsx';
import { RunbookModal } from './runbook-modal.tsx';
import { IntegrationsPanel, PartOf, PartsPanel, QueuesPanel } from './state-panels.tsx';
import './overview.css';

/** CloudWatch has a value for each minute, and bills each metric that is read. The local platform skips minutes in seconds. */
const EVERY_MS = { local: 10_000, hour: 60_000, week: 5 * 60_000 } as const;

/** What an operator looks at first. */
export function OverviewPage({ address: { query } }: { readonly address: Address }): ReactNode {
  const { navigate, stageName } = useConsole();
  const span = query.get('span') === 'week' ? 'week' : 'hour';
  const runbook = query.get('runbook');
  const everyMs = stageName === 'local' ? EVERY_MS.local : EVERY_MS[span];
  const status = useCall('overview', {}, { everyMs });
  const charts = useCall('overviewCharts', { span }, { everyMs });
  const addressOf = (changes: Readonly<Record<string, string>>) => `/?${new URLSearchParams({ span, ...changes })}`;
  const read = charts.result;
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          actions={
            <SpaceBetween direction="horizontal" size="xs" alignItems="center">
              <Box color="text-body-secondary" fontSize="body-s">
                {status.result && `as of ${shortTime(status.result.read_at)}`}
              </Box>
              <SegmentedControl
                label="Span of the charts"
                selectedId={span}
                options={[
                  { id: 'hour', text: 'Last hour' },
                  { id: 'week', text: 'Last week' },
                ]}
                onChange={({ detail }) => navigate(addressOf({ span: detail.selectedId }))}
              />
              <Button
                iconName="refresh"
                ariaLabel="Read again"
                onClick={() => {
                  status.reload();
                  charts.reload();
                }}
              />
            </SpaceBetween>
          }
        >
          Overview
        </Header>
      }
    >
      <SpaceBetween size="m">
        {status.error !== undefined && <Failure error={status.error} onRetry={status.reload} />}
        <KeyNumbers numbers={keyNumbers(status, charts)} />
        {status.result !== undefined && (
          <Alarms status={status.result} addressOf={(name) => addressOf({ runbook: name })} />
        )}
        {charts.error !== undefined && <Failure error={charts.error} onRetry={charts.reload} />}
        {read === undefined && charts.error === undefined && (
          <StatusIndicator type="loading">Reading the metrics of the last {span}</StatusIndicator>
        )}
        {read !== undefined && isQuiet(read.totals) && <Alert type="info">There was no traffic in this {span}.</Alert>}
        {read !== undefined && <OverviewCharts charts={read} />}
        {status.result !== undefined && <State status={status.result} />}
        {runbook !== null && <RunbookModal alarm={runbook} onClose={() => navigate(addressOf({}))} />}
      </SpaceBetween>
    </ContentLayout>
  );
}

function isQuiet({ events, delivered, failed }: { events: number; delivered: number; failed: number }): boolean {
  return events + delivered + failed === 0;
}

function Alarms({
  status: { alarms },
  addressOf,
}: {
  readonly status: StageStatus;
  addressOf(heading: string): string;
}): ReactNode {
  return (
    <section id="alarms" aria-label="Alarms" tabIndex={-1}>
      <PartOf part={alarms}>
        {(known) => (
          <>
            <LiveRegion hidden>{`${known.in_alarm.length} of ${known.total} alarms in ALARM`}</LiveRegion>
            <AlarmsPanel alarms={known} addressOf={addressOf} />
          </>
        )}
      </PartOf>
    </section>
  );
}

function State({ status }: { readonly status: StageStatus }): ReactNode {
  return (
    <SpaceBetween size="m">
      <div className="overview-halves">
        <PartOf part={status.queues}>{(queues) => <QueuesPanel queues={queues} />}</PartOf>
        <PartsPanel status={status} />
      </div>
      <PartOf part={status.integrations}>{(integrations) => <IntegrationsPanel integrations={integrations} />}</PartOf>
    </SpaceBetween>
  );
}
