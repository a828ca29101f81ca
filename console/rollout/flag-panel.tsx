import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { type ReactNode, useState } from 'react';
import type { RolloutReading } from '../../commands/console/operations/rollout.ts';
import type { DeployedFlag } from '../../commands/flag/read-flag.ts';
import { OutsideText } from '../components/outside-text.tsx';
import { cacheTimeChange, enableChange, type FlagChange, phaseOf, readWhole } from './flag-change.ts';

export interface FlagPanelProps {
  readonly deployed: DeployedFlag;
  readonly cacheTtlBounds: RolloutReading['cacheTtlBounds'];
  /** Why a change has to wait; undefined if it need not. */
  readonly whyBusy: string | undefined;
  onChange(change: FlagChange): void;
}

/** The flag that functions have. */
export function FlagPanel({ deployed, cacheTtlBounds, whyBusy, onChange }: FlagPanelProps): ReactNode {
  const { flag, version, deployment, config_version } = deployed;
  const phase = phaseOf(flag);
  const enable = (
    <Button
      disabled={flag.enabled || whyBusy !== undefined}
      disabledReason={flag.enabled ? 'The flag is on already' : (whyBusy ?? '')}
      onClick={() => onChange(enableChange(deployed))}
    >
      Enable
    </Button>
  );
  return (
    <Container
      header={
        <Header variant="h2" description="What functions have, or receive within 15 s" actions={enable}>
          Flag
        </Header>
      }
    >
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={4}
          items={[
            {
              label: 'Learning time',
              value: (
                <StatusIndicator type={flag.enabled ? 'success' : 'stopped'}>
                  {flag.enabled ? 'On' : 'Off'}
                </StatusIndicator>
              ),
            },
            { label: 'Percentage', value: `${flag.rollout_percentage} %` },
            { label: 'Pilots', value: flag.pilot_enterprises.length },
            { label: 'Phase', value: phase ?? 'none: no enterprise has learning time' },
            { label: 'Cache time', value: `${flag.cache_ttl_seconds} s` },
            { label: 'Version', value: version },
            { label: 'Deployment', value: deployment },
            { label: 'In logs and ledger', value: <OutsideText text={config_version} /> },
          ]}
        />
        <CacheTime {...{ deployed, cacheTtlBounds, whyBusy, onChange }} />
      </SpaceBetween>
    </Container>
  );
}

function CacheTime({ deployed, cacheTtlBounds, whyBusy, onChange }: FlagPanelProps): ReactNode {
  const [text, setText] = useState('');
  const seconds = readWhole(text, cacheTtlBounds);
  const isSame = seconds === deployed.flag.cache_ttl_seconds;
  const error =
    text !== '' && seconds === undefined
      ? `A whole number from ${cacheTtlBounds.minimum} to ${cacheTtlBounds.maximum}`
      : '';
  return (
    <FormField
      label="Cache time in seconds"
      description="How long the cache keeps a response of the warehouse"
      errorText={error}
      secondaryControl={
        <Button
          disabled={seconds === undefined || isSame || whyBusy !== undefined}
          disabledReason={whyBusy ?? 'Enter another cache time first'}
          onClick={() => seconds !== undefined && onChange(cacheTimeChange(deployed, seconds))}
        >
          Set cache time
        </Button>
      }
    >
      <Input
        value={text}
        inputMode="numeric"
        placeholder={String(deployed.flag.cache_ttl_seconds)}
        onChange={({ detail }) => setText(detail.value)}
      />
    </FormField>
  );
}
