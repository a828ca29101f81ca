import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Slider from '@cloudscape-design/components/slider';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { type ReactNode, useState } from 'react';
import { REDRIVE_RATE } from '../../commands/replay/option-values.ts';
import { formatNumber } from '../../commands/shared/format.ts';
import { ConfirmCommand } from '../components/confirm-command.tsx';
import { Failure } from '../components/failure.tsx';
import type { CallState } from '../use-call.ts';
import { visibleText } from '../visible-text.ts';

/** The command that moves the messages of a queue back, and what happens to them then. */
const REDRIVES: Readonly<Record<string, { readonly words: readonly string[]; readonly outcome: string }>> = {
  events: {
    words: ['rejected', 'redrive'],
    outcome: 'Each rejected event goes back to the events queue: it is accepted, or rejected again.',
  },
  deliveries: {
    words: ['redrive'],
    outcome:
      'Each message goes back to the deliveries queue: what was delivered meanwhile is not resent, the rest is delivered or dead-lettered again.',
  },
};

interface Chosen {
  readonly queue: string;
  readonly isStop: boolean;
}

/** How many messages each dead-letter queue has, and what moves them back. */
export function DeadLetterQueues({ reading }: { readonly reading: CallState<'deadLetterQueues'> }): ReactNode {
  const { result, error, isLoading, reload } = reading;
  const [chosen, setChosen] = useState<Chosen>();
  const [rate, setRate] = useState<number>(REDRIVE_RATE.usual);
  const redrive = chosen && REDRIVES[chosen.queue];
  return (
    <SpaceBetween size="s">
      <Table
        variant="container"
        items={result?.queues ?? []}
        trackBy="name"
        loading={isLoading && result === undefined}
        loadingText="Reading the queues"
        ariaLabels={{ tableLabel: 'Dead-letter queues' }}
        header={
          <Header variant="h2" description="As SQS estimates them. All of them should stay empty.">
            Dead-letter queues
          </Header>
        }
        columnDefinitions={[
          { id: 'name', header: 'Queue', isRowHeader: true, cell: ({ name }) => name },
          {
            id: 'messages',
            header: 'Messages',
            cell: (queue) =>
              'error' in queue ? (
                <StatusIndicator type="error">{visibleText(queue.error ?? '', 300)}</StatusIndicator>
              ) : (
                <StatusIndicator type={queue.messages === 0 ? 'success' : 'warning'}>
                  {formatNumber(queue.messages)}
                </StatusIndicator>
              ),
          },
          {
            id: 'redrive',
            header: 'Redrive',
            cell: ({ name }) =>
              REDRIVES[name] === undefined ? (
                <Box color="text-body-secondary">with the AWS CLI: ./ltw preflight prints the command</Box>
              ) : (
                <SpaceBetween direction="horizontal" size="s">
                  <Button
                    variant="inline-link"
                    ariaLabel={`Redrive ${name}`}
                    onClick={() => setChosen({ queue: name, isStop: false })}
                  >
                    Redrive…
                  </Button>
                  <Button
                    variant="inline-link"
                    ariaLabel={`Stop the redrive of ${name}`}
                    onClick={() => setChosen({ queue: name, isStop: true })}
                  >
                    Stop…
                  </Button>
                </SpaceBetween>
              ),
          },
        ]}
        footer={
          <FormField
            label={`Rate of a redrive: ${rate} a second`}
            description={`Messages a second, 1 to ${REDRIVE_RATE.most}`}
          >
            <div className="replay-rate">
              <Slider
                value={rate}
                min={1}
                max={REDRIVE_RATE.most}
                ariaLabel="Messages a second"
                onChange={({ detail }) => setRate(detail.value)}
              />
            </div>
          </FormField>
        }
      />
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {chosen !== undefined && redrive !== undefined && (
        <ConfirmCommand
          title={chosen.isStop ? `Stop the redrive of ${chosen.queue}` : `Redrive ${chosen.queue}`}
          words={[...redrive.words, ...(chosen.isStop ? ['--stop'] : ['--rate', String(rate)])]}
          againLabel={chosen.isStop ? 'Run again' : 'Follow it'}
          onClose={() => {
            setChosen(undefined);
            reload();
          }}
        >
          {chosen.isStop ? (
            <Box>Messages that were not moved stay where they are.</Box>
          ) : (
            <SpaceBetween size="s">
              <Box>{redrive.outcome}</Box>
              <Alert type="info">
                SQS moves the messages: Stop ends this dialog’s command, and not the move. Stop… in the table ends the
                move.
              </Alert>
            </SpaceBetween>
          )}
        </ConfirmCommand>
      )}
    </SpaceBetween>
  );
}
