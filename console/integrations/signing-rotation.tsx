import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import type { SigningState } from '../../commands/integration/secret-state.ts';
import { ConfirmCommand } from '../components/confirm-command.tsx';
import { visibleText } from '../visible-text.ts';
import { RotationSteps } from './rotation-list.tsx';
import { signingSteps } from './rotation-steps.ts';

const GRACES = [
  { value: '24h', label: '24 hours' },
  { value: '7d', label: '7 days' },
  { value: '30d', label: '30 days' },
] as const;

interface SigningRotationProps {
  readonly id: string;
  readonly signing: SigningState;
  /** A command of the AWS CLI that prints the newest signing secret, and a sentence. */
  readonly howToRead: string;
  /** Called after each command. */
  onDone(): void;
}

type Asked = 'begin' | 'drop';

/** The rotation of a signing secret. The secret itself shows which step is next, so any operator can continue it. */
export function SigningRotation({ id, signing, howToRead, onDone }: SigningRotationProps): ReactNode {
  const [asked, setAsked] = useState<Asked>();
  const [grace, setGrace] = useState<string>(GRACES[0].value);
  const isBegun = signing.next_step !== 'make';
  const canDrop = signing.next_step === 'switch';
  const choose = (
    <SpaceBetween size="xs" direction="horizontal" alignItems="end">
      <FormField label="The old one ends after">
        <Select
          options={[...GRACES]}
          selectedOption={GRACES.find(({ value }) => value === grace) ?? GRACES[0]}
          onChange={({ detail }) => setGrace(detail.selectedOption.value ?? GRACES[0].value)}
        />
      </FormField>
      <Button onClick={() => setAsked('begin')}>{isBegun ? 'Move the end' : 'Begin the rotation'}</Button>
    </SpaceBetween>
  );
  const read = (
    <div>
      <Box variant="p">This page never shows a signing secret. To read it, in a terminal:</Box>
      <Box variant="code">{visibleText(howToRead.split('\n').at(-1)?.trim() ?? '')}</Box>
    </div>
  );
  const drop = (
    <Button
      disabled={!canDrop}
      disabledReason={`Not before ${signing.all_sign_at?.slice(0, 19)}Z: until then some webhooks are signed with the old one alone.`}
      onClick={() => setAsked('drop')}
    >
      The partner has switched: drop the old one
    </Button>
  );
  const words = ['integration', 'rotate', id, ...(asked === 'drop' ? ['--partner-has-switched'] : ['--grace', grace])];
  return (
    <Container
      header={
        <Header variant="h2" description="No webhook fails its verification in between, and nothing is deployed.">
          Rotation of the signing secret
        </Header>
      }
    >
      <RotationSteps
        title="Rotation of the signing secret"
        steps={signingSteps(signing)}
        actions={isBegun ? { 2: read, 3: <SpaceBetween size="xs">{[choose, drop]}</SpaceBetween> } : { 0: choose }}
      />
      {asked !== undefined && (
        <ConfirmCommand
          title={asked === 'drop' ? `Drop the old signing secret of ${id}` : `Rotate the signing secret of ${id}`}
          words={words}
          onClose={() => {
            setAsked(undefined);
            onDone();
          }}
        >
          {asked === 'drop'
            ? 'The partner must verify with the new one: it refuses webhooks otherwise.'
            : isBegun
              ? 'Two secrets sign already, so no further one is made: the old one gets this end.'
              : 'A new signing secret is stored before the old one, which ends by itself.'}
        </ConfirmCommand>
      )}
    </Container>
  );
}
