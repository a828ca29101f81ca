import Box from '@cloudscape-design/components/box';
import Link from '@cloudscape-design/components/link';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import type { FoundDelivery } from '../../commands/ledger/find-deliveries.ts';
import { shortTime } from '../../commands/shared/short-time.ts';
import { OutsideText } from '../components/outside-text.tsx';
import { useConsole } from '../console-context.ts';
import { DeliveryStateText } from './delivery-state.tsx';
import { deliveryAddress } from './query.ts';

export interface DeliveriesTableProps {
  readonly deliveries: readonly FoundDelivery[];
  readonly isLoading: boolean;
  /** What stands where there is no row. */
  readonly empty: string;
  readonly header?: ReactNode;
  readonly footer?: ReactNode;
}

/** Deliveries, each with a link to its page. */
export function DeliveriesTable({ deliveries, isLoading, empty, header, footer }: DeliveriesTableProps): ReactNode {
  return (
    <Table
      items={deliveries}
      trackBy="webhook_id"
      variant="container"
      wrapLines
      loading={isLoading && deliveries.length === 0}
      loadingText="Reading the ledger"
      empty={<Box textAlign="center">{empty}</Box>}
      ariaLabels={{ tableLabel: 'Deliveries' }}
      header={header}
      footer={footer}
      columnDefinitions={columnsOf(deliveries)}
    />
  );
}

/** As in `./ltw ledger list`, a column in which nothing stands is left out. */
function columnsOf(deliveries: readonly FoundDelivery[]): readonly TableProps.ColumnDefinition<FoundDelivery>[] {
  const hasDue = deliveries.some(({ due_at }) => due_at !== undefined);
  const hasReason = deliveries.some(({ reason, cause }) => reason !== undefined || cause !== undefined);
  return [
    {
      id: 'id',
      header: 'Delivery',
      isRowHeader: true,
      minWidth: 190,
      cell: ({ webhook_id }) => <DeliveryLink id={webhook_id} />,
    },
    { id: 'state', header: 'State', minWidth: 130, cell: ({ state }) => <DeliveryStateText state={state} /> },
    { ...TIME, id: 'accepted', header: 'Accepted', cell: ({ accepted_at }) => <Time at={accepted_at} /> },
    {
      id: 'integration',
      header: 'Integration',
      minWidth: 120,
      cell: ({ integration_id }) => <OutsideText text={integration_id} />,
    },
    { id: 'type', header: 'Type', minWidth: 160, cell: ({ event_type = '-' }) => <OutsideText text={event_type} /> },
    { id: 'attempts', header: 'Attempts', minWidth: 100, cell: ({ attempt }) => attempt },
    ...(hasDue
      ? [{ ...TIME, id: 'due', header: 'Due', cell: ({ due_at }: FoundDelivery) => due_at && <Time at={due_at} /> }]
      : []),
    ...(hasReason ? [{ id: 'reason', header: 'Reason', minWidth: 200, cell: reasonOf }] : []),
  ];
}

const TIME = { minWidth: 190 } as const;

function Time({ at }: { readonly at: string }): ReactNode {
  return <OutsideText text={shortTime(at)} />;
}

function reasonOf({ reason, cause }: FoundDelivery): ReactNode {
  return <OutsideText text={[reason, cause].flatMap((one) => one ?? []).join(': ')} />;
}

function DeliveryLink({ id }: { readonly id: string }): ReactNode {
  const { navigate } = useConsole();
  const address = deliveryAddress(id);
  return (
    <Link
      href={address}
      onFollow={(event) => {
        event.preventDefault();
        navigate(address);
      }}
    >
      <OutsideText text={`${id.slice(0, 19)}${id.length > 19 ? '…' : ''}`} />
    </Link>
  );
}
