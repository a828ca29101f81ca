import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { RolloutReading } from '../../commands/console/operations/rollout.ts';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';

const TYPES: Readonly<Record<string, StatusIndicatorProps.Type>> = {
  COMPLETE: 'success',
  BAKING: 'in-progress',
  DEPLOYING: 'in-progress',
  VALIDATING: 'in-progress',
  ROLLING_BACK: 'warning',
  ROLLED_BACK: 'warning',
  REVERTED: 'stopped',
};

type DeploymentPanelProps = Pick<RolloutReading, 'newest' | 'timeLeft' | 'monitors'>;

/** The newest deployment, which continues without the page, and what may roll it back. */
export function DeploymentPanel({ newest, timeLeft, monitors }: DeploymentPanelProps): ReactNode {
  return (
    <Container header={<Header variant="h2">Newest deployment</Header>}>
      <SpaceBetween size="m">
        {newest !== null && 'error' in newest ? (
          <Failure error={newest.error} />
        ) : (
          <Newest newest={newest} timeLeft={timeLeft} />
        )}
        <Monitors monitors={monitors} />
      </SpaceBetween>
    </Container>
  );
}

interface NewestProps extends Pick<RolloutReading, 'timeLeft'> {
  readonly newest: Exclude<RolloutReading['newest'], { error: string }>;
}

function Newest({ newest, timeLeft }: NewestProps): ReactNode {
  if (newest === null) return 'Nothing is deployed yet.';
  const { number, version, state = 'unknown', description, bake_minutes, last_event } = newest;
  return (
    <SpaceBetween size="m">
      <KeyValuePairs
        columns={4}
        items={[
          {
            label: 'State',
            value: (
              <span aria-live="polite">
                <StatusIndicator type={TYPES[state] ?? 'info'}>{state}</StatusIndicator>
              </span>
            ),
          },
          { label: 'Deployment', value: `${number}, of version ${version}` },
          { label: 'Description', value: <OutsideText text={description ?? 'none'} /> },
          { label: 'Bake time', value: bake_minutes === 0 ? 'none' : `${bake_minutes} minutes` },
        ]}
      />
      {timeLeft !== undefined && (
        <Alert type="info" header={`Deployment ${number} is in progress: ${timeLeft}`}>
          It continues without this page. Other changes wait until it ends; “Disable” and “Revert” do not.
        </Alert>
      )}
      {last_event !== undefined && (
        <div>
          AppConfig: <OutsideText text={last_event} atMost={1000} />
        </div>
      )}
    </SpaceBetween>
  );
}

function Monitors({ monitors }: Pick<RolloutReading, 'monitors'>): ReactNode {
  if ('error' in monitors) return <Failure error={monitors.error} />;
  // The page warns of that.
  if (monitors.length === 0) return undefined;
  return (
    <div>
      While a deployment bakes, AppConfig rolls it back if one of these alarms is in ALARM:
      <ul>
        {monitors.map(({ name, state }) => (
          <li key={name}>
            <OutsideText text={name} />{' '}
            <StatusIndicator type={state === 'ALARM' ? 'error' : state === 'OK' ? 'success' : 'info'}>
              {state ?? 'state unknown'}
            </StatusIndicator>
          </li>
        ))}
      </ul>
    </div>
  );
}
