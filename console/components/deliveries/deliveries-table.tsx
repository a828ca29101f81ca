import Box from '@cloudscape-design/components/box';
import Link from '@cloudscape-design/components/link';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import type { FoundDelivery } from '../../../commands/ledger/find-deliveries.ts';
import { useConsole } from '../../console-context.ts';
import { shortTime } from '../../deliveries/format.ts';
import { deliveryAddress } from '../../deliveries/query.ts';
import { OutsideText } from '../outside-text.tsx';
import { DeliveryStateText } from './delivery-state.tsx';

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
      columnDefinitions={[
        {
          id: 'id',
          header: 'Delivery',
          isRowHeader: true,
          minWidth: 190,
          cell: (one) => <DeliveryLink id={one.webhook_id} />,
        },
        {
          id: 'accepted',
          header: 'Accepted (UTC)',
          minWidth: 130,
          cell: (one) => <OutsideText text={shortTime(one.accepted_at)} />,
        },
        {
          id: 'integration',
          header: 'Integration',
          minWidth: 120,
          cell: (one) => <OutsideText text={one.integration_id} />,
        },
        { id: 'type', header: 'Type', minWidth: 120, cell: (one) => <OutsideText text={one.event_type ?? '-'} /> },
        { id: 'state', header: 'State', minWidth: 110, cell: (one) => <DeliveryStateText state={one.state} /> },
        { id: 'attempts', header: 'Attempts', minWidth: 90, cell: (one) => one.attempt },
        {
          id: 'due',
          header: 'Due (UTC)',
          minWidth: 130,
          cell: (one) => (one.due_at === undefined ? '-' : <OutsideText text={shortTime(one.due_at)} />),
        },
        {
          id: 'reason',
          header: 'Reason',
          minWidth: 180,
          cell: ({ reason, cause }) => <OutsideText text={[reason, cause].filter(Boolean).join(': ') || '-'} />,
        },
      ]}
    />
  );
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
