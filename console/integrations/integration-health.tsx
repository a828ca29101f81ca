import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import type { IntegrationHealth } from '../../commands/integration/integration-health.ts';
import { formatNumber } from '../../commands/shared/format.ts';
import type { IntegrationStatus } from '../../commands/status/read-integrations.ts';
import { OutsideText } from '../components/outside-text.tsx';
import { PageLink } from '../components/page-link.tsx';
import { attemptsText, stateIndicator, timeText } from './integration-rows.ts';

const LIMITER_SOURCE =
  'Rate limiter and circuit breaker keep their state in Valkey, inside the VPC, which this machine cannot reach. This is what they wrote into the ledger: the outcome of the last delivery, and why others wait.';

/** Success, and what the limiter did, as far as it is readable from outside. */
export function IntegrationHealthView({
  id,
  health,
  status,
  limit,
}: {
  readonly id: string;
  readonly health: IntegrationHealth;
  readonly status: IntegrationStatus | undefined;
  /** Requests a minute; null: no limit of its own. */
  readonly limit: number | null;
}): ReactNode {
  const { last_day, notice, waiting, last_hour } = health;
  const deliveries = `/deliveries?integration=${encodeURIComponent(id)}`;
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Health</Header>}>
        <SpaceBetween size="m">
          <KeyValuePairs
            columns={4}
            items={[
              {
                label: 'Last 24 hours',
                value: (
                  <StatusIndicator type={HEALTH_TYPES[last_day.status]}>
                    {`${last_day.status}: ${attemptsText(last_day.success_rate, last_day.total_requests)}`}
                  </StatusIndicator>
                ),
              },
              {
                label: 'Last hour',
                value: status === undefined ? '-' : attemptsText(status.success_rate, status.attempts),
              },
              {
                label: 'Last response',
                value: (
                  <OutsideText text={`${status?.last_response ?? '-'}${timeText(status?.last_response_at, ' at ')}`} />
                ),
              },
              {
                label: 'Last error',
                value: (
                  <OutsideText
                    text={`${last_day.last_error_message ?? '-'}${timeText(last_day.last_error_time, ' at ')}`}
                  />
                ),
              },
            ]}
          />
          <Table
            variant="embedded"
            enableKeyboardNavigation
            ariaLabels={{ tableLabel: 'Attempts of the last hour' }}
            header={<Header variant="h3">Attempts of the last hour, by five minutes</Header>}
            items={[...last_hour]}
            trackBy="at"
            empty="There were none."
            columnDefinitions={[
              { id: 'at', header: 'From', cell: ({ at }) => timeText(at), isRowHeader: true },
              { id: 'successes', header: 'Succeeded', cell: ({ successes }) => formatNumber(successes) },
              { id: 'failures', header: 'Failed', cell: ({ failures }) => formatNumber(failures) },
            ]}
          />
          <PageLink to={deliveries}>Deliveries of this integration</PageLink>
        </SpaceBetween>
      </Container>
      <Container
        header={
          <Header variant="h2" description={LIMITER_SOURCE}>
            Rate limiter and circuit breaker
          </Header>
        }
      >
        <SpaceBetween size="m">
          <KeyValuePairs
            columns={4}
            items={[
              { label: 'Circuit breaker', value: <BreakerState status={status} /> },
              {
                label: 'Last announced',
                value:
                  notice === null ? 'never parked' : `${notice.state} (${notice.reason}) at ${timeText(notice.at)}`,
              },
              { label: 'Rate limit', value: limit === null ? 'none' : `${formatNumber(limit)} a minute` },
              {
                label: 'Next attempt',
                value: timeText(status?.next_attempt_at) || '-',
              },
            ]}
          />
          <Table
            variant="embedded"
            enableKeyboardNavigation
            ariaLabels={{ tableLabel: 'Why deliveries wait' }}
            header={<Header variant="h3">Why deliveries wait</Header>}
            items={[...waiting]}
            trackBy="reason"
            empty="None waits."
            columnDefinitions={[
              {
                id: 'reason',
                header: 'Reason',
                cell: ({ reason }) => <OutsideText text={reason} />,
                isRowHeader: true,
              },
              { id: 'deliveries', header: 'Deliveries', cell: (one) => formatNumber(one.deliveries) },
              { id: 'next', header: 'Next due', cell: ({ next_at }) => timeText(next_at) || '-' },
            ]}
          />
          <Box color="text-body-secondary">
            Of the latest day that has undelivered deliveries, at most 1,600 of them.
          </Box>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}

const HEALTH_TYPES = { healthy: 'success', degraded: 'error', unknown: 'warning' } as const;

function BreakerState({ status }: { readonly status: IntegrationStatus | undefined }): ReactNode {
  if (status === undefined) return '-';
  if (status.state === 'paused' || status.state === 'off' || status.state === 'faulty') {
    return `not asked: the integration is ${status.state}`;
  }
  if (status.state === 'active') return <StatusIndicator type="success">closed, by the last delivery</StatusIndicator>;
  const { text } = stateIndicator(status.state);
  return <StatusIndicator type="error">{`open: ${text.replace('parked: ', '')}`}</StatusIndicator>;
}
