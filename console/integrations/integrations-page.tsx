import Button from '@cloudscape-design/components/button';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { type ReactNode, useState } from 'react';
import { counted, formatNumber } from '../../commands/shared/format.ts';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';
import { PageLink } from '../components/page-link.tsx';
import { useCall } from '../use-call.ts';
import {
  ageText,
  attemptsText,
  type IntegrationRow,
  integrationRows,
  matchingRows,
  rowIndicator,
  timeText,
} from './integration-rows.ts';
import { CertificateExpiry } from './secret-facts.tsx';

/** Rows on one page of the table. */
const PAGE_SIZE = 100;

/** Each reading costs 64 queries of the ledger and two metrics an integration. */
const EVERY_MS = 30_000;

const COLUMNS: readonly TableProps.ColumnDefinition<IntegrationRow>[] = [
  {
    id: 'id',
    header: 'Integration',
    minWidth: 130,
    isRowHeader: true,
    cell: ({ id }) =>
      id === '' ? (
        'without id'
      ) : (
        <PageLink to={`/integrations/${encodeURIComponent(id)}`}>
          <OutsideText text={id} />
        </PageLink>
      ),
  },
  {
    id: 'state',
    header: 'State',
    minWidth: 105,
    cell(row) {
      const { type, text } = rowIndicator(row);
      return <StatusIndicator type={type}>{text}</StatusIndicator>;
    },
  },
  {
    id: 'success',
    header: 'Success (1 h)',
    minWidth: 95,
    cell: ({ status }) =>
      status === undefined || status.attempts === 0 ? '-' : attemptsText(status.success_rate, status.attempts),
  },
  {
    id: 'response',
    header: 'Last response',
    minWidth: 130,
    cell: ({ status }) => (
      <OutsideText text={`${status?.last_response ?? '-'}${timeText(status?.last_response_at, ' at ')}`} />
    ),
  },
  { id: 'next', header: 'Next attempt', minWidth: 110, cell: ({ status }) => timeText(status?.next_attempt_at) || '-' },
  {
    id: 'parked',
    header: 'Parked',
    minWidth: 80,
    cell: ({ id, status }) =>
      status === undefined || status.parked === 0 ? (
        (status?.parked ?? '-')
      ) : (
        <PageLink to={`/deliveries?integration=${encodeURIComponent(id)}&state=parked`}>
          {formatNumber(status.parked)}
        </PageLink>
      ),
  },
  { id: 'host', header: 'Host', minWidth: 125, cell: ({ host }) => <OutsideText text={host ?? '-'} /> },
  { id: 'auth', header: 'Auth', minWidth: 100, cell: ({ auth }) => auth ?? '-' },
  {
    id: 'secret',
    header: 'Secret stored',
    minWidth: 130,
    cell({ secret }) {
      if (secret === undefined) return '-';
      if (secret.fault !== null) return <StatusIndicator type="error">not usable</StatusIndicator>;
      return secret.age_days === null ? '-' : ageText(secret.age_days);
    },
  },
  {
    id: 'certificate',
    header: 'Certificate expires',
    minWidth: 110,
    cell({ secret }) {
      const current = secret?.certificates.find(({ pair }) => pair === 'current');
      return current === undefined ? '-' : <CertificateExpiry certificate={current} />;
    },
  },
];

/** All integrations of the stage. */
export function IntegrationsPage(): ReactNode {
  const registry = useCall('integrations', {});
  const status = useCall('integrationStatus', {}, { everyMs: EVERY_MS });
  const secrets = useCall('integrationSecrets', {});
  const [text, setText] = useState('');
  const [page, setPage] = useState(1);
  const rows = integrationRows(
    registry.result?.integrations ?? [],
    status.result ?? [],
    secrets.result ?? [],
    status.isLoading,
  );
  const matching = matchingRows(rows, text);
  const reload = () => {
    for (const each of [registry, status, secrets]) each.reload();
  };
  return (
    <ContentLayout header={<Header variant="h1">Integrations</Header>}>
      <SpaceBetween size="m">
        {[registry, status, secrets].map(
          ({ error, reload: again }, index) =>
            error !== undefined && <Failure key={PARTS[index]} error={`${PARTS[index]}: ${error}`} onRetry={again} />,
        )}
        {registry.result?.is_all_paused && (
          <StatusIndicator type="stopped">
            All integrations are paused together: “./ltw integration resume --all” ends it.
          </StatusIndicator>
        )}
        {registry.result?.faults.map((fault) => (
          <StatusIndicator key={fault} type="error">
            <OutsideText text={fault} />
          </StatusIndicator>
        ))}
        <Table
          enableKeyboardNavigation
          stickyHeader
          wrapLines
          contentDensity="compact"
          ariaLabels={{ tableLabel: 'Integrations' }}
          header={
            <Header
              counter={`(${counted(matching.length, 'integration')})`}
              actions={<Button iconName="refresh" ariaLabel="Read again" loading={status.isLoading} onClick={reload} />}
            >
              Partners
            </Header>
          }
          filter={
            <TextFilter
              filteringText={text}
              filteringAriaLabel="Filter integrations"
              filteringPlaceholder="Id, host, state, auth or last response"
              countText={text === '' ? '' : counted(matching.length, 'match', 'matches')}
              onChange={({ detail }) => {
                setText(detail.filteringText);
                setPage(1);
              }}
            />
          }
          pagination={
            matching.length > PAGE_SIZE && (
              <Pagination
                currentPageIndex={page}
                pagesCount={Math.ceil(matching.length / PAGE_SIZE)}
                onChange={({ detail }) => setPage(detail.currentPageIndex)}
              />
            )
          }
          loading={registry.result === undefined && registry.isLoading}
          loadingText="Reading the integrations"
          empty="No integrations yet."
          items={matching.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)}
          columnDefinitions={COLUMNS}
        />
      </SpaceBetween>
    </ContentLayout>
  );
}

const PARTS = ['The registry', 'Deliveries and metrics', 'Secrets'] as const;
