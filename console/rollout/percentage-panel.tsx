import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Grid from '@cloudscape-design/components/grid';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Slider from '@cloudscape-design/components/slider';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import type { DeployedFlag } from '../../commands/flag/read-flag.ts';
import { ChangesList } from './changes-list.tsx';
import type { KnownEnterprise } from './enterprises.ts';
import { type FlagChange, percentChange, readWhole } from './flag-change.ts';

const BOUNDS = { minimum: 0, maximum: 100 } as const;

export interface PercentagePanelProps {
  readonly deployed: DeployedFlag;
  readonly enterprises: readonly KnownEnterprise[];
  /** Why a change has to wait; undefined if it need not. */
  readonly whyBusy: string | undefined;
  onChange(change: FlagChange): void;
}

/** The percentage as a slider, with the enterprises that would change. */
export function PercentagePanel({ deployed, enterprises, whyBusy, onChange }: PercentagePanelProps): ReactNode {
  const { flag, version } = deployed;
  const { rollout_percentage: current } = flag;
  /** What the operator has entered, and the percentage that was deployed then. */
  const [entered, setEntered] = useState<{ readonly text: string; readonly over: number }>();
  const text = entered?.text ?? String(current);
  const chosen = readWhole(text, BOUNDS);
  const enter = (value: string) => setEntered({ text: value, over: entered?.over ?? current });
  // Off, it affects no enterprise: what it would mean with the flag on is what the operator wants to know.
  const shown = { ...flag, enabled: true };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Raising it disables no enterprise, and lowering it enables none"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={entered === undefined} onClick={() => setEntered(undefined)}>
                Reset
              </Button>
              <Button
                disabled={chosen === undefined || chosen === current || whyBusy !== undefined}
                disabledReason={whyBusy ?? `Choose another percentage than ${current} first`}
                onClick={() => chosen !== undefined && onChange(percentChange(deployed, chosen))}
              >
                Change percentage
              </Button>
            </SpaceBetween>
          }
        >
          Percentage of enterprises
        </Header>
      }
    >
      <SpaceBetween size="m">
        {entered !== undefined && entered.over !== current && (
          <Alert type="warning" header="The percentage has changed meanwhile">
            {`It was ${entered.over} when you began, and is ${current} in version ${version}.`}
          </Alert>
        )}
        <Grid gridDefinition={[{ colspan: 9 }, { colspan: 3 }]}>
          <FormField stretch label="Percentage" description={`Deployed: ${current} %`}>
            <Slider
              {...{ min: BOUNDS.minimum, max: BOUNDS.maximum, referenceValues: [10, 50] }}
              value={chosen ?? current}
              valueFormatter={(value) => `${value} %`}
              onChange={({ detail }) => enter(String(detail.value))}
            />
          </FormField>
          <FormField
            label="As a number"
            errorText={chosen === undefined ? `A whole number from ${BOUNDS.minimum} to ${BOUNDS.maximum}` : ''}
          >
            <Input value={text} inputMode="numeric" onChange={({ detail }) => enter(detail.value)} />
          </FormField>
        </Grid>
        {!flag.enabled && <Alert type="info">The flag is off. This is what the percentage means once it is on:</Alert>}
        {chosen !== undefined && (
          <ChangesList before={shown} after={{ ...shown, rollout_percentage: chosen }} enterprises={enterprises} />
        )}
      </SpaceBetween>
    </Container>
  );
}
