import Header from '@cloudscape-design/components/header';
import type { ReactNode } from 'react';
import type { InputOf } from '../../commands/console/operation.ts';
import type { Operations } from '../../commands/console/operations.ts';
import { Failure } from '../components/failure.tsx';
import { useCall } from '../use-call.ts';
import { DeliveriesTable } from './deliveries-table.tsx';
import type { DeliveriesQuery } from './query.ts';

/** Deliveries by an id, which is read and not searched. */
export function FoundById({ query }: { readonly query: DeliveriesQuery }): ReactNode {
  const { result, error, isLoading, reload } = useCall('deliveriesById', inputOf(query));
  if (error !== undefined) return <Failure error={error} onRetry={reload} />;
  return (
    <DeliveriesTable
      deliveries={result?.deliveries ?? []}
      isLoading={isLoading}
      empty={
        query.id === undefined
          ? 'The ledger has no delivery of this event'
          : 'The ledger has no delivery with this id. An id is wh_ and 40 hexadecimal digits, or the first 6 or more of them.'
      }
      header={
        <Header variant="h2" counter={result === undefined ? '' : `(${result.deliveries.length})`}>
          Deliveries
        </Header>
      }
    />
  );
}

function inputOf({ id, event = '', integration }: DeliveriesQuery): InputOf<Operations['deliveriesById']> {
  if (id !== undefined) return { webhookId: id };
  return { eventId: event, ...(integration !== undefined && { integrationId: integration }) };
}
