import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import { formatDuration, formatNumber } from '../../commands/shared/format.ts';
import { shortTime } from '../../commands/shared/short-time.ts';
import {
  formatContacts,
  formatFlag,
  formatReconciler,
  formatWarehouse,
  formatWarming,
} from '../../commands/status/format-parts.ts';
import type { IntegrationState, IntegrationStatus } from '../../commands/status/read-integrations.ts';
import type { Part, QueueStatus, StageStatus } from '../../commands/status/read-status.ts';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';
import { PageLink } from '../components/page-link.tsx';
import { isKnown, percent } from './key-numbers.ts';

/** A part that could be read, or why not. */
export function PartOf<T>({ part, children }: { readonly part: Part<T>; children(known: T): ReactNode }): ReactNode {
  return isKnown(part) ? children(part) : <Failure error={(part as { readonly error: string }).error} />;
}

/** What the parts of the stage do, in the words of `./ltw status`. */
export function PartsPanel({ status }: { readonly status: StageStatus }): ReactNode {
  const { flag, warehouse, warming, reconciler, contacts } = status;
  const item = <T,>(label: ReactNode, part: Part<T>, format: (known: T) => string) => ({
    label,
    value: <PartOf part={part}>{(known) => <OutsideText text={format(known)} />}</PartOf>,
  });
  return (
    <Container
      header={
        <Header variant="h3" headingTagOverride="h2">
          Parts
        </Header>
      }
    >
      <KeyValuePairs
        columns={1}
        items={[
          item(<PageLink to="/rollout">Flag</PageLink>, flag, formatFlag),
          item('Warehouse', warehouse, formatWarehouse),
          item('WarmCache', warming, formatWarming),
          item('Reconciler', reconciler, formatReconciler),
          item('Contacts', contacts, formatContacts),
        ]}
      />
    </Container>
  );
}

/** Messages in each queue, as SQS counts them. */
export function QueuesPanel({ queues }: { readonly queues: readonly QueueStatus[] }): ReactNode {
  const count = (value: number) => formatNumber(value);
  return (
    <Table
      contentDensity="compact"
      header={
        <Header variant="h3" headingTagOverride="h2">
          Queues
        </Header>
      }
      items={queues}
      trackBy="queue"
      ariaLabels={{ tableLabel: 'Queues' }}
      columnDefinitions={[
        {
          id: 'queue',
          header: 'Queue',
          isRowHeader: true,
          cell: ({ queue }) => (
            <PageLink to={queue.endsWith('dead-letter queue') ? '/dead-letters' : '/architecture'}>{queue}</PageLink>
          ),
        },
        { id: 'waiting', header: 'Waiting', cell: ({ waiting }) => count(waiting) },
        { id: 'in-flight', header: 'In flight', cell: ({ in_flight }) => count(in_flight) },
        { id: 'delayed', header: 'Delayed', cell: ({ delayed }) => count(delayed) },
        {
          id: 'oldest',
          header: 'Oldest',
          cell: ({ oldest_seconds }) => (oldest_seconds === null ? '-' : formatDuration(oldest_seconds * 1000)),
        },
      ]}
    />
  );
}

const STATE_TYPES: Readonly<Record<IntegrationState, StatusIndicatorProps.Type>> = {
  active: 'success',
  paused: 'stopped',
  off: 'stopped',
  failing: 'error',
  gone: 'error',
  faulty: 'error',
  certificate_expired: 'error',
  certificate_incomplete: 'error',
};

/** Rows that the page shows; `/integrations` has all. */
const MOST_ROWS = 100;

/** What each partner does, as `./ltw status` lists it. */
export function IntegrationsPanel({
  integrations,
}: {
  readonly integrations: readonly IntegrationStatus[];
}): ReactNode {
  return (
    <Table
      contentDensity="compact"
      header={
        <Header variant="h3" headingTagOverride="h2" counter={`(${integrations.length})`}>
          <PageLink to="/integrations">Integrations, last hour</PageLink>
        </Header>
      }
      items={integrations.slice(0, MOST_ROWS)}
      trackBy="id"
      ariaLabels={{ tableLabel: 'Integrations' }}
      empty="No integrations yet"
      columnDefinitions={[
        {
          id: 'id',
          header: 'Integration',
          isRowHeader: true,
          cell: ({ id }) => (
            <PageLink to={`/integrations/${encodeURIComponent(id)}`}>
              <OutsideText text={id} />
            </PageLink>
          ),
        },
        {
          id: 'state',
          header: 'State',
          cell: ({ state }) => (
            <StatusIndicator type={STATE_TYPES[state]}>{state.replaceAll('_', ' ')}</StatusIndicator>
          ),
        },
        { id: 'attempts', header: 'Attempts', cell: ({ attempts }) => formatNumber(attempts) },
        { id: 'success', header: 'Success', cell: ({ success_rate }) => percent(success_rate) },
        {
          id: 'response',
          header: 'Last response',
          cell: ({ last_response }) => <OutsideText text={last_response ?? '-'} />,
        },
        { id: 'at', header: 'At', cell: ({ last_response_at: at }) => (at === null ? '-' : shortTime(at)) },
        { id: 'next', header: 'Next attempt', cell: ({ next_attempt_at: at }) => (at === null ? '-' : shortTime(at)) },
      ]}
    />
  );
}
