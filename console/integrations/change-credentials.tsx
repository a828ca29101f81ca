import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import { ConfirmCommand } from '../components/confirm-command.tsx';
import { OutsideText } from '../components/outside-text.tsx';

interface ChangeCredentialsProps {
  readonly id: string;
  /** The keys of the secret that hold them, in the order in which the command asks. */
  readonly names: readonly string[];
  /** Called after the command. */
  onDone(): void;
}

/** Takes new credentials of the partner. They are answers of the command: in no address, and gone when it has ended. */
export function ChangeCredentials({ id, names, onDone }: ChangeCredentialsProps): ReactNode {
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [isAsking, setIsAsking] = useState(false);
  const answers = names.map((name) => ({ to: name, text: values[name] ?? '' }));
  return (
    <Container
      header={
        <Header variant="h2" description="What the partner gave you. A field that is left empty stays as it is.">
          Credentials
        </Header>
      }
    >
      <SpaceBetween size="m">
        {names.map((name) => (
          <FormField key={name} label={<OutsideText text={name} />}>
            <Input
              type="password"
              autoComplete={false}
              value={values[name] ?? ''}
              onChange={({ detail }) => setValues((before) => ({ ...before, [name]: detail.value }))}
            />
          </FormField>
        ))}
        <Button disabled={answers.every(({ text }) => text === '')} onClick={() => setIsAsking(true)}>
          Change the credentials
        </Button>
      </SpaceBetween>
      {isAsking && (
        <ConfirmCommand
          title={`Change the credentials of ${id}`}
          words={['integration', 'change-credentials', id]}
          answers={answers}
          onClose={() => {
            setIsAsking(false);
            setValues({});
            onDone();
          }}
        >
          Test events use them at once, deliveries within 15 minutes. In a terminal the command asks for them.
        </ConfirmCommand>
      )}
    </Container>
  );
}
