import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { PositionedEnterprise } from '../../commands/console/operations/rollout.ts';
import { formatPosition } from '../../commands/flag/enterprise-changes.ts';
import type { DeployedFlag } from '../../commands/flag/read-flag.ts';
import { OutsideText } from '../components/outside-text.tsx';
import { useConsole } from '../console-context.ts';
import { evaluateRows } from './enterprises.ts';
import { addPilotChange, type FlagChange, isNameable } from './flag-change.ts';

export interface AnyEnterpriseProps {
  /** Undefined if it cannot be read. */
  readonly deployed: DeployedFlag | undefined;
  readonly whyBusy: string | undefined;
  onChange(change: FlagChange): void;
}

/** Evaluates the flag for an enterprise that no list needs to have. */
export function AnyEnterprise({ deployed, whyBusy, onChange }: AnyEnterpriseProps): ReactNode {
  const { call } = useConsole();
  const [text, setText] = useState('');
  const [error, setError] = useState('');
  const [found, setFound] = useState<PositionedEnterprise>();

  const evaluate = async (event: FormEvent) => {
    event.preventDefault();
    setError('');
    setFound(undefined);
    try {
      setFound(await call('enterprise', { id: text.trim() }));
    } catch (thrown) {
      setError((thrown as Error).message);
    }
  };
  return (
    <Container header={<Header variant="h2">Any enterprise</Header>}>
      <SpaceBetween size="m">
        <form onSubmit={(event) => void evaluate(event)}>
          <Form>
            <FormField
              label="Id of an enterprise"
              description="A UUID as in events, in any case"
              errorText={error}
              secondaryControl={<Button formAction="submit">Evaluate</Button>}
            >
              <Input
                value={text}
                spellcheck={false}
                autoComplete={false}
                onChange={({ detail }) => setText(detail.value)}
              />
            </FormField>
          </Form>
        </form>
        <div aria-live="polite">{found !== undefined && <Evaluated {...{ found, deployed, whyBusy, onChange }} />}</div>
      </SpaceBetween>
    </Container>
  );
}

function Evaluated({
  found,
  deployed,
  whyBusy,
  onChange,
}: AnyEnterpriseProps & { readonly found: PositionedEnterprise }): ReactNode {
  if (deployed === undefined) {
    return (
      <Box>
        <OutsideText text={found.id} />
        {`: its bucket is ${formatPosition(found.position)} of 100. The flag cannot be read.`}
      </Box>
    );
  }
  const [row] = evaluateRows(deployed.flag, [{ ...found, sources: [] }]);
  const isPilot = deployed.flag.pilot_enterprises.includes(found.id);
  const whyNot = isNameable(found.id) ? whyBusy : 'A command line takes it for an option';
  return (
    <SpaceBetween direction="horizontal" size="m" alignItems="center">
      <OutsideText text={found.id} />
      <StatusIndicator type={row?.isOn ? 'success' : 'stopped'}>
        {`${row?.isOn ? 'Enabled' : 'Disabled'}: ${row?.why}`}
      </StatusIndicator>
      {!isPilot && (
        <Button
          disabled={whyNot !== undefined}
          disabledReason={whyNot ?? ''}
          onClick={() => onChange(addPilotChange(deployed, found.id))}
        >
          Add as a pilot
        </Button>
      )}
    </SpaceBetween>
  );
}
