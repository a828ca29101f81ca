import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import LiveRegion from '@cloudscape-design/components/live-region';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import type { InputOf } from '../../commands/console/operation.ts';
import type { Operations } from '../../commands/console/operations.ts';
import type { FoundDelivery } from '../../commands/ledger/find-deliveries.ts';
import type { ReadCost } from '../../commands/ledger/read-cost.ts';
import { shortTime } from '../../commands/shared/short-time.ts';
import { Failure } from '../components/failure.tsx';
import { useConsole } from '../console-context.ts';
import { DeliveriesTable } from './deliveries-table.tsx';
import { addressOf, type DeliveriesQuery } from './query.ts';
import { ReadingCost } from './reading-cost.tsx';
import { useRun } from './use-run.ts';

interface SoFar extends ReadCost {
  readonly deliveries: readonly FoundDelivery[];
  readonly to?: 'older' | 'newer';
  readonly cursor?: string;
  readonly readTo?: string;
}

/** Where the pages before and after begin. */
type Ends = { readonly [Name in 'older' | 'newer' | 'readTo']?: string | undefined };

const NOTHING: SoFar = { deliveries: [], rowsRead: 0, costUsd: 0 };

/** A page of the list, newest first. It shows rows as they are found, and goes on from where it was stopped. */
export function DeliveryList({ query }: { readonly query: DeliveriesQuery }): ReactNode {
  const { navigate } = useConsole();
  const [soFar, setSoFar] = useState(NOTHING);
  const run = useRun('deliveries', ({ added, ...progress }) =>
    setSoFar((before) => ({ ...progress, deliveries: [...before.deliveries, ...added] })),
  );
  const { start } = run;
  const input = JSON.stringify(inputOf(query));
  const read = useCallback(() => {
    setSoFar(NOTHING);
    start(JSON.parse(input));
  }, [start, input]);
  useEffect(read, [read]);

  const isOlder = soFar.to !== 'newer';
  const found = run.result?.deliveries ?? (isOlder ? soFar.deliveries : soFar.deliveries.toReversed());
  const stopped = run.isStopped && soFar.to !== undefined ? { [soFar.to]: soFar.cursor, readTo: soFar.readTo } : {};
  const { older, newer, readTo }: Ends = run.result ?? stopped;
  const go = (cursor: string | undefined) => () =>
    navigate(addressOf({ ...query, ...(cursor === undefined ? {} : { cursor }) }));
  const { cursor: _, ...fromTheStart } = query;
  const pages = (
    <SpaceBetween direction="horizontal" size="xs">
      <Button onClick={() => navigate(addressOf(fromTheStart))} disabled={query.cursor === undefined}>
        Newest
      </Button>
      <Button iconName="angle-left" onClick={go(newer)} disabled={newer === undefined}>
        Newer
      </Button>
      <Button iconName="angle-right" iconAlign="right" onClick={go(older)} disabled={older === undefined}>
        Older
      </Button>
      {run.isRunning ? (
        <Button onClick={run.stop}>Stop</Button>
      ) : (
        <Button iconName="refresh" ariaLabel="Read again" onClick={read} />
      )}
    </SpaceBetween>
  );
  return (
    <SpaceBetween size="s">
      {run.error !== undefined && <Failure error={run.error} onRetry={read} />}
      <DeliveriesTable
        deliveries={found}
        isLoading={run.isRunning}
        empty={query.cursor === undefined ? 'No such delivery was accepted in this time' : 'No more deliveries'}
        header={
          <Header
            variant="h2"
            actions={pages}
            description="Newest first, at most 100 on a page"
            counter={`(${found.length})`}
          >
            Deliveries
          </Header>
        }
        footer={
          <Box textAlign="center">
            <LiveRegion>
              {run.isRunning ? (
                <StatusIndicator type="in-progress">
                  <ReadingCost {...soFar} />
                  {soFar.readTo !== undefined && `, back to ${shortTime(soFar.readTo)}`}
                </StatusIndicator>
              ) : (
                <Box color="text-body-secondary">
                  <ReadingCost {...(run.result ?? soFar)} />
                </Box>
              )}
            </LiveRegion>
          </Box>
        }
      />
      {(run.isStopped || readTo !== undefined) && !run.isRunning && (
        <Alert
          type="info"
          action={readTo !== undefined && <Button onClick={go(isOlder ? older : newer)}>Go on</Button>}
        >
          {readTo === undefined
            ? 'It was stopped before anything was read.'
            : `The rows of this page end where it stopped reading: ${shortTime(readTo)}. There may be more.`}
        </Alert>
      )}
    </SpaceBetween>
  );
}

function inputOf({
  integration,
  state,
  since,
  until,
  text,
  cursor,
}: DeliveriesQuery): InputOf<Operations['deliveries']> {
  return {
    ...(integration !== undefined && { integrationId: integration }),
    ...(state !== undefined && { state }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(text !== undefined && { text }),
    ...(cursor !== undefined && { cursor }),
  };
}
