/// <reference lib="dom" />
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { ResultOf } from '../../commands/console/operation.ts';
import type { Operations } from '../../commands/console/operations.ts';
import { counted, formatNumber } from '../../commands/shared/format.ts';
import { shortTime } from '../../commands/shared/short-time.ts';
import { useCall } from '../use-call.ts';
import { visibleText } from '../visible-text.ts';
import '../components/command-output.css';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';

type Rejected = ResultOf<Operations['rejectedEvents']>['events'][number];

/** Events that could not be read. They are received from SQS when the operator asks, and stay in the queue. */
export function RejectedEvents({ messages }: { readonly messages: number | undefined }): ReactNode {
  const [isAsked, setIsAsked] = useState(false);
  if (isAsked) return <RejectedTable />;
  return (
    <Table
      variant="container"
      items={[]}
      columnDefinitions={[]}
      ariaLabels={{ tableLabel: 'Rejected events' }}
      header={
        <Header
          variant="h2"
          {...(messages !== undefined && { counter: `(${formatNumber(messages)})` })}
          description="Events that could not be read"
          actions={<Button onClick={() => setIsAsked(true)}>List rejected events</Button>}
        >
          Rejected events
        </Header>
      }
      empty={
        <Box>
          SQS counts a listing as a receive of each message. From the third on, it leaves the message out of the age of
          the oldest one, on which the alarm dead-events-old depends.
        </Box>
      }
    />
  );
}

function RejectedTable(): ReactNode {
  const { result, error, isLoading, reload, stop } = useCall('rejectedEvents', {});
  const [shown, setShown] = useState<Rejected>();
  return (
    <SpaceBetween size="s">
      <Table
        variant="container"
        wrapLines
        items={result?.events ?? []}
        trackBy="message_id"
        loading={isLoading && result === undefined}
        loadingText="Receiving messages"
        empty={error === undefined && <Box textAlign="center">There are no rejected events.</Box>}
        ariaLabels={{ tableLabel: 'Rejected events' }}
        header={
          <Header
            variant="h2"
            {...(result !== undefined && {
              counter: `(${formatNumber(result.events.length)}${result.is_complete ? '' : '+'})`,
            })}
            description="Oldest first. They stay in the queue."
            actions={isLoading ? <Button onClick={stop}>Stop</Button> : <Button onClick={reload}>List again</Button>}
          >
            Rejected events
          </Header>
        }
        columnDefinitions={[
          { id: 'rejected', header: 'Rejected', isRowHeader: true, cell: ({ rejected_at }) => shortTime(rejected_at) },
          { id: 'integration', header: 'Integration', cell: ({ integration_id }) => textOf(integration_id) },
          { id: 'type', header: 'Type', cell: ({ event_type }) => textOf(event_type) },
          { id: 'event', header: 'Event', cell: ({ event_id }) => textOf(event_id) },
          {
            id: 'reason',
            header: 'Reason',
            cell: ({ reason }) => (reason === null ? 'the log of EnrichBatch has it' : textOf(reason)),
          },
          {
            id: 'payload',
            header: 'Payload',
            cell: (event) => (
              <Button
                variant="inline-link"
                ariaLabel={`${counted(event.payload_bytes, 'byte')}…: payload of the event that was rejected at ${shortTime(event.rejected_at)}`}
                onClick={() => setShown(event)}
              >
                {counted(event.payload_bytes, 'byte')}…
              </Button>
            ),
          },
        ]}
      />
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {shown !== undefined && <PayloadModal event={shown} onClose={() => setShown(undefined)} />}
    </SpaceBetween>
  );
}

function textOf(text: string | null): ReactNode {
  return text === null ? '-' : <OutsideText text={text} />;
}

/** The message as it was published, after a warning. */
function PayloadModal({ event, onClose }: { readonly event: Rejected; onClose(): void }): ReactNode {
  const [isAgreed, setIsAgreed] = useState(false);
  return (
    <Modal
      visible
      size="large"
      header="Payload of a rejected event"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Close
            </Button>
            {!isAgreed && (
              <Button variant="primary" onClick={() => setIsAgreed(true)}>
                Show personal data
              </Button>
            )}
          </SpaceBetween>
        </Box>
      }
    >
      {isAgreed ? (
        <Payload messageId={event.message_id} />
      ) : (
        <Alert type="warning">
          The payload is the message as the LMS sent it: it holds personal data of a learner. SQS counts one more
          receive.
        </Alert>
      )}
    </Modal>
  );
}

function Payload({ messageId }: { readonly messageId: string }): ReactNode {
  const { result, error, reload } = useCall('rejectedPayload', { message_id: messageId });
  const region = useRef<HTMLElement>(null);
  // The button that had the focus is gone: without one, Escape would not close the dialog.
  useEffect(() => region.current?.focus(), []);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the keyboard's focus (WCAG 2.1.1).
    <section ref={region} className="command-output" aria-label="Payload" tabIndex={0}>
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {error === undefined && result === undefined && (
        <StatusIndicator type="loading">Receiving messages</StatusIndicator>
      )}
      {result !== undefined && result.payload.length < result.characters && (
        <Alert type="info">
          The first {formatNumber(result.payload.length)} of {formatNumber(result.characters)} characters.
        </Alert>
      )}
      {result !== undefined && <Box variant="pre">{visibleText(result.payload)}</Box>}
    </section>
  );
}
