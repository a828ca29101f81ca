import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import { Failure } from '../components/failure.tsx';
import { PageLink } from '../components/page-link.tsx';
import { visibleText } from '../visible-text.ts';
import { parseReplay, type ReplayOutcome } from './replay-output.ts';
import type { ReplaySelection } from './replay-words.ts';

const LOOKS: Readonly<Record<ReplayOutcome['result'], readonly [StatusIndicatorProps.Type, string]>> = {
  replayed: ['success', 'Replayed'],
  in_flight: ['info', 'Skipped: in flight'],
  changed: ['info', 'Skipped: changed'],
  no_payload: ['error', 'No payload'],
  refused: ['error', 'Refused'],
  unconfirmed: ['warning', 'Unconfirmed'],
  left: ['stopped', 'Not begun'],
};

/** What a replay has done, and where what is left is listed. */
export function ReplayResult({
  output,
  selection: { integration, state },
}: {
  readonly output: string;
  readonly selection: ReplaySelection;
}): ReactNode {
  const report = parseReplay(output);
  if (report === undefined) return <Box variant="pre">{visibleText(output, 10_000)}</Box>;
  const { outcomes, failure } = report;
  const query = new URLSearchParams({ state, ...(integration !== '' && { integration }) });
  return (
    <SpaceBetween size="s">
      {failure !== '' && <Failure error={`It ended early: ${failure}`} />}
      <Table
        variant="embedded"
        wrapLines
        items={outcomes}
        ariaLabels={{ tableLabel: 'Result of the replay' }}
        columnDefinitions={[
          {
            id: 'result',
            header: 'Result',
            minWidth: 170,
            isRowHeader: true,
            cell: ({ result }) => <StatusIndicator type={LOOKS[result][0]}>{LOOKS[result][1]}</StatusIndicator>,
          },
          { id: 'deliveries', header: 'Deliveries', cell: ({ deliveries }) => deliveries },
          { id: 'meaning', header: 'Meaning', cell: ({ words }) => words },
          { id: 'examples', header: 'Some of them', cell: ({ examples }) => <Examples ids={examples} /> },
        ]}
      />
      {outcomes.some(({ result }) => result === 'left') && (
        <Alert type="info">Continue runs the same command again: it finds those that are left.</Alert>
      )}
      {state === 'dead' && (
        <Box>
          Their dead-letter messages stay in the queue, and the alarm dead-deliveries in ALARM, until a redrive of the
          deliveries queue removes them. It does not resend what was delivered meanwhile.
        </Box>
      )}
      <PageLink to={`/deliveries?${query}`}>Deliveries that are still {state}</PageLink>
    </SpaceBetween>
  );
}

function Examples({ ids }: { readonly ids: readonly string[] }): ReactNode {
  if (ids.length === 0) return '-';
  return (
    <SpaceBetween size="xxs">
      {ids.map((id) => (
        <PageLink key={id} to={`/deliveries/${encodeURIComponent(id)}`}>
          {visibleText(id, 15)}
        </PageLink>
      ))}
    </SpaceBetween>
  );
}
