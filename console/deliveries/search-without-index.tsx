import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import LiveRegion from '@cloudscape-design/components/live-region';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { type ReactNode, useEffect, useState } from 'react';
import type { ReadCost } from '../../commands/ledger/read-cost.ts';
import type { SearchProgress } from '../../commands/ledger/search-events.ts';
import { formatNumber } from '../../commands/shared/format.ts';
import { formatCost } from '../../commands/shared/format-cost.ts';
import { Failure } from '../components/failure.tsx';
import { useCall } from '../use-call.ts';
import { DeliveriesTable } from './deliveries-table.tsx';
import { DeliveryList } from './delivery-list.tsx';
import type { DeliveriesQuery } from './query.ts';
import { ReadingCost } from './reading-cost.tsx';
import { useRun } from './use-run.ts';

/** Says what a search will read before it begins. */
export function SearchWithoutIndex({ query }: { readonly query: DeliveriesQuery }): ReactNode {
  const [isBegun, setIsBegun] = useState(false);
  const isByReason = query.text !== undefined;
  if (isBegun && isByReason) return <DeliveryList query={query} />;
  if (isBegun) return <EventSearch query={query} />;
  // Each page of a search by reason begins by itself: the first was confirmed.
  if (isByReason && query.cursor !== undefined) return <DeliveryList query={query} />;
  return <Warning of={isByReason ? 'index' : 'table'} onStart={() => setIsBegun(true)} />;
}

function Warning({ of, onStart }: { readonly of: 'table' | 'index'; onStart(): void }): ReactNode {
  const { result, error } = useCall('deliverySearchEstimate', { of });
  const size = result === undefined ? 'Its size is being read.' : sizeText(result);
  return (
    <Alert
      type="warning"
      header="No index helps with this search"
      action={<Button onClick={onStart}>Start the search</Button>}
    >
      <SpaceBetween size="xs">
        <div>
          {of === 'table'
            ? 'It reads the whole table, payloads included, whatever the time and the integration.'
            : 'It reads every delivery of the time and the integration, until a hundred are found.'}{' '}
          It can be stopped. {error === undefined && size}
        </div>
        {error !== undefined && <Failure error={`The number of rows is not known: ${error}`} />}
      </SpaceBetween>
    </Alert>
  );
}

function sizeText({ rowsRead, costUsd }: ReadCost): string {
  if (rowsRead === 0)
    return 'How much that is, is not known: DynamoDB counts rows every six hours, and has counted none yet.';
  return `That is about ${formatNumber(rowsRead)} rows and ${formatCost(costUsd)}, as DynamoDB counted them in the last six hours, at the list price of us-east-1.`;
}

const NOTHING: SearchProgress = { deliveries: [], total: 0, rowsRead: 0, costUsd: 0 };

function EventSearch({ query: { user, course } }: { readonly query: DeliveriesQuery }): ReactNode {
  const [soFar, setSoFar] = useState(NOTHING);
  const run = useRun('deliverySearch', setSoFar);
  const { start } = run;
  useEffect(() => start(user === undefined ? { courseId: course ?? '' } : { userId: user }), [start, user, course]);
  const found = run.result ?? soFar;
  const more = found.total - found.deliveries.length;
  return (
    <SpaceBetween size="s">
      {run.error !== undefined && <Failure error={run.error} />}
      <DeliveriesTable
        deliveries={found.deliveries}
        isLoading={run.isRunning}
        empty={
          run.isStopped
            ? 'Nothing was found before it was stopped'
            : 'The ledger has no such event. Payloads that were deleted are not found.'
        }
        header={
          <Header
            variant="h2"
            counter={`(${formatNumber(found.total)})`}
            description="The latest accepted, at most 100 are kept"
            actions={run.isRunning && <Button onClick={run.stop}>Stop</Button>}
          >
            Found
          </Header>
        }
        footer={
          <Box textAlign="center">
            <LiveRegion>
              <StatusIndicator type={run.isRunning ? 'in-progress' : run.isStopped ? 'stopped' : 'success'}>
                {run.isStopped && 'Stopped: '}
                <ReadingCost {...found} />
                {more > 0 && `; ${formatNumber(more)} earlier ones are not shown`}
              </StatusIndicator>
            </LiveRegion>
          </Box>
        }
      />
    </SpaceBetween>
  );
}
