import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import type { ReasonGroup } from '../../commands/ledger/group-reasons.ts';
import { counted, formatNumber } from '../../commands/shared/format.ts';
import { shortTime } from '../../commands/shared/short-time.ts';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';
import type { CallState } from '../use-call.ts';
import './dead-letters.css';
import { PageLink } from '../components/page-link.tsx';

/** Characters of a reason on the page. */
const MOST_OF_A_REASON = 1000;

/** Dead deliveries, grouped by integration and reason. They appear while the ledger is read. */
export function ReasonGroups({
  reading,
  onReplay,
}: {
  readonly reading: CallState<'deadReasons'>;
  onReplay(group: ReasonGroup): void;
}): ReactNode {
  const { progress, result, error, isLoading, reload, stop } = reading;
  const shown = isLoading ? (progress ?? result) : (result ?? progress);
  return (
    <SpaceBetween size="s">
      <Table
        variant="container"
        wrapLines
        stickyColumns={{ last: 1 }}
        items={shown?.groups ?? []}
        trackBy={({ integration_id, reason }) => `${integration_id} ${reason}`}
        loading={isLoading && shown === undefined}
        loadingText="Reading the ledger"
        empty={error === undefined && <Box textAlign="center">No delivery that was accepted in this time is dead.</Box>}
        ariaLabels={{ tableLabel: 'Dead deliveries by reason' }}
        header={
          <Header
            variant="h2"
            counter={shown && `(${formatNumber(shown.total)})`}
            description={shown && `Accepted from ${shortTime(shown.since)} to ${shortTime(shown.until)}`}
            actions={isLoading ? <Button onClick={stop}>Stop</Button> : <Button onClick={reload}>Read again</Button>}
          >
            Dead deliveries by reason
          </Header>
        }
        footer={shown && <Reading reading={reading} />}
        columnDefinitions={[
          {
            id: 'reason',
            header: 'Reason',
            isRowHeader: true,
            minWidth: 280,
            cell: ({ reason }) => (
              <div className="dead-reason">
                <OutsideText text={reason} atMost={MOST_OF_A_REASON} />
              </div>
            ),
          },
          {
            id: 'integration',
            header: 'Integration',
            cell: ({ integration_id: id }) => (
              <PageLink to={`/integrations/${encodeURIComponent(id)}`}>
                <OutsideText text={id} />
              </PageLink>
            ),
          },
          { id: 'deliveries', header: 'Deliveries', cell: ({ deliveries }) => formatNumber(deliveries) },
          {
            id: 'times',
            header: 'First and last',
            cell: ({ first_at, last_at }) => (
              <>
                <Time at={first_at} />
                <br />
                <Time at={last_at} />
              </>
            ),
          },
          {
            id: 'example',
            header: 'The last one',
            cell: ({ example }) => (
              <PageLink to={`/deliveries/${encodeURIComponent(example)}`}>
                {example.slice(0, 'wh_'.length + 12)}…
              </PageLink>
            ),
          },
          {
            id: 'replay',
            header: 'Replay',
            minWidth: 110,
            cell: (group) => (
              <Button
                variant="inline-link"
                ariaLabel={`Replay ${formatNumber(group.deliveries)} of ${group.integration_id}: ${group.reason}`}
                onClick={() => onReplay(group)}
              >
                Replay…
              </Button>
            ),
          },
        ]}
      />
      {error !== undefined && <Failure error={error} onRetry={reload} />}
    </SpaceBetween>
  );
}

function Time({ at }: { readonly at: string }): ReactNode {
  return <span className="dead-time">{shortTime(at)}</span>;
}

/** How far the ledger was read. DynamoDB bills each row that it reads. */
function Reading({ reading }: { readonly reading: CallState<'deadReasons'> }): ReactNode {
  const { isLoading, progress, result } = reading;
  const shown = isLoading ? (progress ?? result) : (result ?? progress);
  if (shown === undefined) return undefined;
  const { rows_read, days_read, days, others } = shown;
  const read = `${counted(rows_read, 'row')} read, ${formatNumber(days_read)} of ${counted(days, 'day')} of integrations`;
  return (
    <SpaceBetween size="xxs">
      {isLoading && <StatusIndicator type="in-progress">{read}</StatusIndicator>}
      {!isLoading && result === undefined && (
        <StatusIndicator type="stopped">Stopped: {read}. There may be more deliveries.</StatusIndicator>
      )}
      {!isLoading && result !== undefined && <Box color="text-body-secondary">{read}</Box>}
      {others > 0 && (
        <Box>
          And {counted(others, 'delivery', 'deliveries')} in smaller groups: narrow the time down, or choose an
          integration.
        </Box>
      )}
    </SpaceBetween>
  );
}
