import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Spinner from '@cloudscape-design/components/spinner';
import { type ReactNode, useState } from 'react';
import type { ResultOf } from '../../commands/console/operation.ts';
import type { Operations } from '../../commands/console/operations.ts';
import { shortTime } from '../../commands/shared/short-time.ts';
import { ConfirmCommand } from '../components/confirm-command.tsx';
import { Failure } from '../components/failure.tsx';
import { OutsideText } from '../components/outside-text.tsx';
import { PageLink } from '../components/page-link.tsx';
import { useCall } from '../use-call.ts';
import { CloseDelivery } from './close-delivery.tsx';
import { DeliveryStateText } from './delivery-state.tsx';
import { Payload } from './payload.tsx';
import { timelineOf } from './timeline.ts';
import { Timeline } from './timeline-list.tsx';

type Delivery = ResultOf<Operations['delivery']>;

/** One delivery: what became of it, and how to go on. */
export function DeliveryPage({ webhookId }: { readonly webhookId: string }): ReactNode {
  const { result, error, reload } = useCall('delivery', { webhookId }, { everyMs: 10_000 });
  const [shown, setShown] = useState<'replay' | 'close'>();
  const closeDialog = () => {
    setShown(undefined);
    reload();
  };
  const isFinal = result !== undefined && ['delivered', 'dead', 'filtered', 'cancelled'].includes(result.state);
  const actions = result !== undefined && (
    <SpaceBetween direction="horizontal" size="xs">
      <Button disabled={!result.hasPayload} onClick={() => setShown('replay')}>
        Replay
      </Button>
      <Button disabled={isFinal} onClick={() => setShown('close')}>
        Close
      </Button>
      <Button iconName="refresh" ariaLabel="Read again" onClick={reload} />
    </SpaceBetween>
  );
  return (
    <ContentLayout
      header={
        <Header variant="h1" actions={actions}>
          Delivery <OutsideText text={webhookId} atMost={60} />
        </Header>
      }
    >
      <SpaceBetween size="l">
        {error !== undefined && <Failure error={error} onRetry={reload} />}
        {result === undefined && error === undefined && <Spinner />}
        {result !== undefined && (
          <SpaceBetween size="l">
            <Facts delivery={result} />
            {/* After another attempt, the phases are read again. */}
            <History key={result.record?.attempts.at(-1)?.at} delivery={result} />
            <Payload webhookId={webhookId} delivery={result} />
          </SpaceBetween>
        )}
        {shown === 'replay' && (
          <ConfirmCommand title={`Replay ${webhookId}`} words={['replay', webhookId]} onClose={closeDialog}>
            It is sent again, with the same webhook-id: the partner may have it already.
          </ConfirmCommand>
        )}
        {shown === 'close' && <CloseDelivery webhookId={webhookId} onClose={closeDialog} />}
      </SpaceBetween>
    </ContentLayout>
  );
}

function History({ delivery }: { readonly delivery: Delivery }): ReactNode {
  const { result, error, reload } = useCall('deliveryPhases', { webhookId: delivery.webhookId });
  return (
    <Container header={<Header variant="h2">What happened</Header>}>
      <SpaceBetween size="s">
        <Timeline entries={timelineOf(sourceOf(delivery), result?.attempts ?? [])} />
        {error !== undefined && (
          <Failure error={`The phases of its attempts could not be read from the logs: ${error}`} onRetry={reload} />
        )}
      </SpaceBetween>
    </Container>
  );
}

function sourceOf({ record, event, since, learningTime, cause }: Delivery) {
  const subject = record ?? event;
  return {
    record,
    acceptedAt: subject?.accepted_at ?? since,
    occurredAt: subject?.occurred_at ?? since,
    learningTime,
    cause,
  };
}

function Facts({ delivery }: { readonly delivery: Delivery }): ReactNode {
  const { record, event, state, since, cause, carriedBy, whenDue, learningTime, parking, next } = delivery;
  const subject = record ?? event;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Parked', parking],
    ['Next', next],
    ['Type', subject?.kind ?? subject?.event_type],
    ['Event id', subject?.event_id],
    ['Accepted (UTC)', subject && shortTime(subject.accepted_at)],
    ['Next attempt (UTC)', record?.due_at && shortTime(record.due_at)],
    ['When due', whenDue],
    ['Attempts in this generation', record && String(record.attempt)],
    ['Generation', record && String(record.generation)],
    ['Learning time', learningTime],
    ['Reason', record?.reason],
    ['Cause', cause],
    ['Carried by', carriedBy],
    ['Enterprise', record?.enterprise_customer_uuid ?? event?.enterprise_customer_uuid],
    ['Learner', event?.user_id],
    ['Course', event?.course_id],
    ['Trace', event?.traceparent],
  ];
  return (
    <Container header={<Header variant="h2">State</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'State', value: <DeliveryStateText state={state} /> },
          { label: 'Since (UTC)', value: shortTime(since) },
          ...(subject === undefined
            ? []
            : [{ label: 'Integration', value: <IntegrationLink id={subject.integration_id} /> }]),
          ...facts.flatMap(([label, value]) =>
            value === undefined || value === '' ? [] : [{ label, value: <OutsideText text={value} atMost={600} /> }],
          ),
        ]}
      />
    </Container>
  );
}

function IntegrationLink({ id }: { readonly id: string }): ReactNode {
  return (
    <PageLink to={`/integrations/${encodeURIComponent(id)}`}>
      <OutsideText text={id} />
    </PageLink>
  );
}
