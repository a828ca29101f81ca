import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { type ReactNode, useState } from 'react';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';
import { useCall } from '../use-call.ts';
import { ConfirmLocalControl } from './confirm-local-control.tsx';
import { type LocalSwitch, parseLocalStatus } from './local-status.ts';

const STATUS = { words: ['status'] };

/** Its clock goes on. */
const READ_EVERY_MS = 10_000;

/** The switches of the local platform, and its clock. @param onChange called after a command */
export function LocalSwitches({ onChange }: { onChange(): void }): ReactNode {
  const { result, error, reload } = useCall('localControl', STATUS, { everyMs: READ_EVERY_MS });
  const [words, setWords] = useState<readonly string[]>();
  const [duration, setDuration] = useState('2h');
  const status = result && parseLocalStatus(result.text);
  return (
    <SpaceBetween size="l">
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      <Container
        header={
          <Header variant="h2" description={status && `Its time is ${status.time}.`}>
            Clock of the local platform
          </Header>
        }
      >
        <FormField
          label="Skip"
          description="90s, 30m, 2h or 3d, at most 90d: what is due meanwhile happens at its time."
          secondaryControl={<Button onClick={() => setWords(['skip', duration])}>Skip</Button>}
        >
          <Input value={duration} onChange={({ detail }) => setDuration(detail.value.trim())} />
        </FormField>
      </Container>
      {status && (
        <Table
          header={<Header variant="h2">Switches of the local platform</Header>}
          variant="container"
          contentDensity="compact"
          wrapLines
          ariaLabels={{ tableLabel: 'Switches of the local platform' }}
          trackBy={nameOf}
          items={status.switches}
          columnDefinitions={[
            { id: 'name', header: 'Switch', isRowHeader: true, cell: (one) => <OutsideText text={nameOf(one)} /> },
            { id: 'state', header: 'State', cell: ({ state }) => <OutsideText text={state} /> },
            {
              id: 'change',
              header: 'Change',
              cell: (one) => (
                <ButtonDropdown
                  variant="inline-icon"
                  ariaLabel={`Change ${nameOf(one)}`}
                  items={one.positions.map((position) => ({ id: position, text: position }))}
                  onItemClick={({ detail }) => setWords([...one.words, detail.id])}
                />
              ),
            },
          ]}
        />
      )}
      {words !== undefined && (
        <ConfirmLocalControl
          words={words}
          onClose={() => {
            setWords(undefined);
            reload();
            onChange();
          }}
        />
      )}
    </SpaceBetween>
  );
}

function nameOf({ words }: LocalSwitch): string {
  return words.join(' ');
}
