import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import { type ReactNode, useState } from 'react';
import type { CertificateState } from '../../commands/integration/secret-state.ts';
import { commandText } from '../command-text.ts';
import { ConfirmCommand } from '../components/confirm-command.tsx';
import { useConsole } from '../console-context.ts';
import { visibleText } from '../visible-text.ts';
import { RotationSteps } from './rotation-list.tsx';
import { certificateSteps } from './rotation-steps.ts';
import { SendTest } from './test-delivery.tsx';

interface CertificateRotationProps {
  readonly id: string;
  readonly certificates: readonly CertificateState[];
  /** Called after each command. */
  onDone(): void;
}

/** The rotation of a client certificate. The secret shows which step is next. */
export function CertificateRotation({ id, certificates, onDone }: CertificateRotationProps): ReactNode {
  const { stageName } = useConsole();
  const [asked, setAsked] = useState<'test' | 'switch'>();
  const hasNext = certificates.some(({ pair }) => pair === 'next');
  const files = ['--certificate-file', 'next.crt', '--key-file', 'next.key'];
  const close = () => {
    setAsked(undefined);
    onDone();
  };
  const store = (
    <div>
      <Box variant="p">In a terminal:</Box>
      <Box variant="code">{visibleText(commandText(['integration', 'next-certificate', id, ...files], stageName))}</Box>
    </div>
  );
  const actions: Record<number, ReactNode> = { 0: store };
  if (hasNext) {
    actions[1] = <Button onClick={() => setAsked('test')}>Send a test event with it</Button>;
    actions[2] = <Button onClick={() => setAsked('switch')}>Make it the current one</Button>;
  }
  return (
    <Container header={<Header variant="h2">Rotation of the client certificate</Header>}>
      <RotationSteps
        title="Rotation of the client certificate"
        steps={certificateSteps(certificates)}
        actions={actions}
      />
      {asked === 'test' && <SendTest id={id} isNext onClose={close} />}
      {asked === 'switch' && (
        <ConfirmCommand
          title={`Make the next client certificate of ${id} the current one`}
          words={['integration', 'switch-certificate', id]}
          onClose={close}
        >
          This sends a test event that presents the next certificate, and switches only if it is delivered.
        </ConfirmCommand>
      )}
    </Container>
  );
}
