import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { CertificateState, SecretState } from '../../commands/integration/secret-state.ts';
import { OutsideText } from '../components/outside-text.tsx';
import { ageText, timeText } from './integration-rows.ts';

/** Age, certificates and faults of an integration's secret. No value of it is shown, or has left the server. */
export function SecretFacts({ secret }: { readonly secret: SecretState }): ReactNode {
  const { name, written_at, age_days, certificates, fault, warning, notices } = secret;
  return (
    <Container
      header={
        <Header variant="h2" description="Each change of the secret, of whichever key, begins a new version.">
          Secret
        </Header>
      }
    >
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'Name', value: <OutsideText text={name} /> },
            {
              label: 'Age',
              value: written_at === null || age_days === null ? '-' : `${ageText(age_days)} (${timeText(written_at)})`,
            },
            {
              label: 'Client certificate',
              value:
                certificates.length === 0
                  ? 'none'
                  : certificates.map((one) => <CertificateExpiry key={one.pair} certificate={one} isNamed />),
            },
          ]}
        />
        {fault !== null && <StatusIndicator type="error">{<OutsideText text={fault} atMost={1000} />}</StatusIndicator>}
        {warning !== null && <StatusIndicator type="warning">{<OutsideText text={warning} />}</StatusIndicator>}
        {notices.map((notice) => (
          <Box key={notice} variant="p">
            <OutsideText text={notice} />
          </Box>
        ))}
      </SpaceBetween>
    </Container>
  );
}

/** When a client certificate expires. @param isNamed says which of the two it is */
export function CertificateExpiry({
  certificate: { pair, state, expires_at, days_left },
  isNamed = false,
}: {
  readonly certificate: CertificateState;
  readonly isNamed?: boolean;
}): ReactNode {
  const name = isNamed ? `${pair}: ` : '';
  if (expires_at === null || days_left === null)
    return <StatusIndicator type="error">{`${name}not usable`}</StatusIndicator>;
  const on = expires_at.slice(0, 10);
  if (state === 'expired') return <StatusIndicator type="error">{`${name}expired on ${on}`}</StatusIndicator>;
  if (state === 'not_yet_valid')
    return <StatusIndicator type="warning">{`${name}not valid yet, until ${on}`}</StatusIndicator>;
  const text = `${name}${on}, in ${Math.floor(days_left)} days`;
  return <StatusIndicator type={state === 'expiring' ? 'warning' : 'success'}>{text}</StatusIndicator>;
}
