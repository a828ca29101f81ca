import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import { shortTime } from '../../commands/shared/short-time.ts';
import { Failure } from '../components/failure.tsx';
import { useConsole } from '../console-context.ts';
import { visibleText } from '../visible-text.ts';
import './payload.css';

interface PayloadProps {
  readonly webhookId: string;
  readonly delivery: { readonly hasPayload: boolean; readonly hasResponse: boolean; readonly heldUntil: string };
}

/** The event and the partner's response, which are read when they are asked for, and kept until the page is left. */
export function Payload({ webhookId, delivery: { hasPayload, hasResponse, heldUntil } }: PayloadProps): ReactNode {
  return (
    <Container header={<Header variant="h2">Payload and response</Header>}>
      <SpaceBetween size="m">
        {hasPayload ? (
          <Secret
            name="payload"
            operation="deliveryPayload"
            webhookId={webhookId}
            warning={`The event as the LMS sent it has personal data of a learner. The ledger holds it until ${shortTime(heldUntil)}.`}
          />
        ) : (
          <Box>The payload was deleted: the delivery cannot be sent again.</Box>
        )}
        {hasResponse && (
          <Secret
            name="response"
            operation="deliveryResponse"
            webhookId={webhookId}
            warning="The partner’s last refusal may repeat personal data of the event."
          />
        )}
      </SpaceBetween>
    </Container>
  );
}

interface SecretProps {
  readonly name: 'payload' | 'response';
  readonly operation: 'deliveryPayload' | 'deliveryResponse';
  readonly webhookId: string;
  readonly warning: string;
}

/** A text that is shown only when asked for. */
function Secret({ name, operation, webhookId, warning }: SecretProps): ReactNode {
  const { call } = useConsole();
  const [text, setText] = useState<string>();
  const [error, setError] = useState<string>();
  const [isLoading, setIsLoading] = useState(false);
  const show = async () => {
    setIsLoading(true);
    setError(undefined);
    try {
      const read = await call(operation, { webhookId });
      setText(read.text ?? `The ${name} was deleted meanwhile.`);
    } catch (thrown) {
      setError((thrown as Error).message);
    } finally {
      setIsLoading(false);
    }
  };
  if (text === undefined) {
    return (
      <SpaceBetween size="xs">
        <Alert
          type="warning"
          action={
            <Button loading={isLoading} onClick={() => void show()}>
              Show the {name}
            </Button>
          }
        >
          {warning}
        </Alert>
        {error !== undefined && <Failure error={error} onRetry={() => void show()} />}
      </SpaceBetween>
    );
  }
  return (
    <SpaceBetween size="xs">
      <Button onClick={() => setText(undefined)}>Hide the {name}</Button>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard. */}
      <section className="outside-block" aria-label={name === 'payload' ? 'Payload' : 'Response'} tabIndex={0}>
        <bdi>{visibleText(text)}</bdi>
      </section>
    </SpaceBetween>
  );
}
