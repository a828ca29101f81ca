import Alert from '@cloudscape-design/components/alert';
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { ResultOf } from '../../commands/console/operation.ts';
import type { Operations } from '../../commands/console/operations.ts';
import { formatNumber } from '../../commands/shared/format.ts';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';
import { useConsole } from '../console-context.ts';
import { useCall } from '../use-call.ts';
import { visibleText } from '../visible-text.ts';
import { CertificateRotation } from './certificate-rotation.tsx';
import { ChangeCredentials } from './change-credentials.tsx';
import { IntegrationHealthView } from './integration-health.tsx';
import { stateIndicator, timeText } from './integration-rows.ts';
import { PauseOrResume } from './pause-or-resume.tsx';
import { RetrySchedule } from './retry-schedule.tsx';
import { SecretFacts } from './secret-facts.tsx';
import { SigningRotation } from './signing-rotation.tsx';
import { TestDelivery } from './test-delivery.tsx';

/** Of deliveries and metrics, and of what an operator changes. */
const EVERY_MS = { status: 10_000, settings: 60_000 };

type Entry = NonNullable<ResultOf<Operations['integration']>['entry']>;

/** One integration. */
export function IntegrationPage({ id }: { readonly id: string }): ReactNode {
  const { navigate } = useConsole();
  const registry = useCall('integration', { id }, { everyMs: EVERY_MS.settings });
  const status = useCall('integrationStatus', { id }, { everyMs: EVERY_MS.status });
  const health = useCall('integrationHealth', { id }, { everyMs: EVERY_MS.status });
  const secrets = useCall('integrationSecrets', { id }, { everyMs: EVERY_MS.settings });
  // Another operator may have changed any of it.
  const reload = () => {
    for (const each of [registry, status, health, secrets]) each.reload();
  };
  const { result: read } = registry;
  const [state] = status.result ?? [];
  const [secret] = secrets.result ?? [];
  return (
    <ContentLayout
      breadcrumbs={
        <BreadcrumbGroup
          ariaLabel="Breadcrumbs"
          items={[
            { text: 'Integrations', href: '/integrations' },
            { text: visibleText(id, 100), href: '' },
          ]}
          onFollow={(event) => {
            event.preventDefault();
            navigate(event.detail.href);
          }}
        />
      }
      header={
        <Header
          variant="h1"
          info={state && <State state={state.state} />}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel="Read again" onClick={reload} />
              {read?.entry && <PauseOrResume id={id} isPaused={read.entry.paused} onDone={reload} />}
            </SpaceBetween>
          }
        >
          <OutsideText text={id} />
        </Header>
      }
    >
      <SpaceBetween size="l">
        {registry.error !== undefined && <Failure error={registry.error} onRetry={registry.reload} />}
        {read?.is_all_paused && <Alert type="warning">All integrations are paused together.</Alert>}
        {read !== undefined && read.faults.length > 0 && (
          <Alert type="error" header="The entry does not fit">
            {read.faults.map((fault) => (
              <div key={fault}>
                <OutsideText text={fault} />
              </div>
            ))}
          </Alert>
        )}
        {read?.entry && <EntryFacts entry={read.entry} />}
        {status.error !== undefined && <Failure error={status.error} onRetry={status.reload} />}
        {health.error !== undefined && <Failure error={health.error} onRetry={health.reload} />}
        {health.result !== undefined && (
          <IntegrationHealthView
            id={id}
            health={health.result}
            status={state}
            limit={read?.entry?.max_requests_per_minute ?? null}
          />
        )}
        {read?.entry && <TestDelivery id={id} onDone={reload} />}
        {read !== undefined && read.schedules.length > 0 && <RetrySchedule schedules={read.schedules} />}
        {secrets.error !== undefined && <Failure error={secrets.error} onRetry={secrets.reload} />}
        {secret !== undefined && <SecretFacts secret={secret} />}
        {read !== undefined && read.credentials.length > 0 && (
          <ChangeCredentials id={id} names={read.credentials} onDone={reload} />
        )}
        {secret?.signing && read !== undefined && (
          <SigningRotation id={id} signing={secret.signing} howToRead={read.read_signing_secret} onDone={reload} />
        )}
        {secret !== undefined && secret.certificates.length > 0 && (
          <CertificateRotation id={id} certificates={secret.certificates} onDone={reload} />
        )}
      </SpaceBetween>
    </ContentLayout>
  );
}

function State({ state }: { readonly state: Parameters<typeof stateIndicator>[0] }): ReactNode {
  const { type, text } = stateIndicator(state);
  return <StatusIndicator type={type}>{text}</StatusIndicator>;
}

function EntryFacts({ entry }: { readonly entry: Entry }): ReactNode {
  const auth = entry.token_host === null ? entry.auth : `${entry.auth}, by ${entry.token_host}`;
  const items = [
    ['Host', entry.host],
    ['Auth', auth],
    ['Client certificate', entry.client_certificate ? 'presented' : 'none'],
    ['Format', entry.payload_format],
    ['Event types', entry.event_types?.join(', ') ?? 'all'],
    ['Enterprise', entry.enterprise_customer_uuid ?? 'none: receives events by id'],
    ['Region', entry.region],
    [
      'Rate limit',
      entry.max_requests_per_minute === null ? 'none' : `${formatNumber(entry.max_requests_per_minute)} a minute`,
    ],
    ['Timeout', `${entry.timeout_seconds} s`],
    ['Own headers', entry.headers.join(', ') || 'none'],
    ['Encrypted fields', entry.encrypted_fields.join(', ') || 'none'],
    ['Contacts', formatNumber(entry.contacts)],
    ['Resumed', timeText(entry.resumed_at) || 'never'],
  ] as const;
  return (
    <Container header={<Header variant="h2">Entry</Header>}>
      <KeyValuePairs
        columns={4}
        items={items.map(([label, value]) => ({ label, value: <OutsideText text={value} /> }))}
      />
    </Container>
  );
}
