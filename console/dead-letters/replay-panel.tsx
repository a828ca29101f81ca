/// <reference lib="dom" />
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { REPLAY_RATE } from '../../commands/replay/option-values.ts';
import { counted, formatDuration } from '../../commands/shared/format.ts';
import { commandText } from '../command-text.ts';
import { CommandOutput } from '../components/command-output.tsx';
import { ConfirmCommand } from '../components/confirm-command.tsx';
import { Failure } from '../components/failure.tsx';
import { useConsole } from '../console-context.ts';
import { useCall } from '../use-call.ts';
import { useCommandRun } from '../use-command-run.ts';
import { visibleText } from '../visible-text.ts';
import { parseDryRun } from './replay-output.ts';
import { type ReplaySelection, replayWords } from './replay-words.ts';
import { warningOf } from './warnings.ts';
import './dead-letters.css';
import { PageLink } from '../components/page-link.tsx';
import { Actions, ReplayForm } from './replay-form.tsx';
import { ReplayResult } from './replay-result.tsx';

/**
 * Replays what a form selects: first a dry run, whose counts hold for this selection, then the replay.
 *
 * @param chosen a group that the operator chose. Its dry run starts at once, and the form takes the focus
 * @param onReplayed called when a replay has changed something
 */
export function ReplayPanel({
  chosen,
  initial,
  onReplayed,
}: {
  readonly chosen: ReplaySelection | undefined;
  readonly initial: ReplaySelection;
  onReplayed(): void;
}): ReactNode {
  const { stageName } = useConsole();
  const targets = useCall('replayTargets', {});
  const [selection, setSelection] = useState(initial);
  const [rate, setRate] = useState<number>(REPLAY_RATE.usual);
  const [isConfirming, setIsConfirming] = useState(false);
  const counting = useCommandRun();
  const [countedWords, setCountedWords] = useState('');
  const panel = useRef<HTMLElement>(null);
  const words = replayWords(selection);
  const { run } = counting;

  useEffect(() => {
    if (chosen === undefined) return;
    setSelection(chosen);
    const chosenWords = replayWords(chosen);
    setCountedWords(JSON.stringify(chosenWords));
    void run([...chosenWords, '--dry-run']);
    panel.current?.focus();
    panel.current?.scrollIntoView({ block: 'start' });
  }, [chosen, run]);

  const isCounting = counting.phase === 'running' || counting.phase === 'stopping';
  const isCurrent = countedWords === JSON.stringify(words);
  const dryRun = isCurrent && counting.result?.exitCode === 0 ? parseDryRun(counting.result.output) : undefined;
  const integrations = targets.result?.integrations ?? [];
  const concerned = dryRun === undefined ? [selection.integration] : dryRun.rows.map(({ integration }) => integration);
  const warnings = integrations.filter(({ id }) => concerned.includes(id));
  const replay = [...words, '--rate', String(rate)];

  return (
    <section ref={panel} tabIndex={-1} className="replay-panel" aria-label="Replay">
      <Container
        header={
          <Header variant="h2" description="The same webhook-id and payload, in a new generation">
            Replay
          </Header>
        }
        footer={
          <Actions
            isCounting={isCounting}
            canReplay={dryRun !== undefined && dryRun.toReplay > 0}
            onCount={() => {
              setCountedWords(JSON.stringify(words));
              void run([...words, '--dry-run']);
            }}
            onStop={counting.stop}
            onReplay={() => setIsConfirming(true)}
          />
        }
      >
        <SpaceBetween size="m">
          <ReplayForm
            {...{ selection, rate }}
            integrationIds={integrations.map(({ id }) => id)}
            onSelect={setSelection}
            onRate={setRate}
          />
          {targets.error !== undefined && <Failure error={targets.error} onRetry={targets.reload} />}
          <div>
            <Box variant="awsui-key-label">The same in a terminal</Box>
            <Box variant="code">{visibleText(commandText([...words, '--dry-run'], stageName))}</Box>
          </div>
          {!isCurrent && countedWords !== '' && (
            <Alert type="info">The selection has changed: a dry run says how many there are now.</Alert>
          )}
          {isCurrent && (
            <CommandOutput
              command={counting}
              renderOutput={(output) => {
                const parsed = parseDryRun(output);
                return parsed && <DryRunCounts {...parsed} rate={rate} />;
              }}
            />
          )}
          <Warnings targets={warnings} />
        </SpaceBetween>
      </Container>
      {isConfirming && dryRun !== undefined && (
        <ConfirmCommand
          title={`Replay ${counted(dryRun.toReplay, 'delivery', 'deliveries')}`}
          words={replay}
          againLabel="Continue"
          renderOutput={(output) => <ReplayResult output={output} selection={selection} />}
          onClose={(result) => {
            setIsConfirming(false);
            if (result === undefined) return;
            setCountedWords('');
            targets.reload();
            onReplayed();
          }}
        >
          <Box>
            {counted(dryRun.toReplay, 'delivery', 'deliveries')}, {rate} a second: about{' '}
            {formatDuration((dryRun.toReplay * 1000) / rate)}. What another operator replays meanwhile is skipped.
          </Box>
          <Warnings targets={warnings} />
        </ConfirmCommand>
      )}
    </section>
  );
}

function DryRunCounts({
  rows,
  toReplay,
  rate,
}: NonNullable<ReturnType<typeof parseDryRun>> & { readonly rate: number }): ReactNode {
  return (
    <Table
      variant="embedded"
      items={rows}
      ariaLabels={{ tableLabel: 'What would be replayed' }}
      header={
        <Header
          variant="h3"
          description={`At ${rate} a second in about ${formatDuration((toReplay * 1000) / rate)}. Nothing is changed yet.`}
        >
          {counted(toReplay, 'delivery', 'deliveries')} would be replayed
        </Header>
      }
      columnDefinitions={[
        {
          id: 'integration',
          header: 'Integration',
          isRowHeader: true,
          cell: ({ integration }) => visibleText(integration),
        },
        { id: 'state', header: 'State', cell: ({ state }) => state },
        { id: 'deliveries', header: 'Deliveries', cell: ({ deliveries }) => deliveries },
      ]}
    />
  );
}

/** Why it may be too early. It is no reason to refuse: an operator may know better. */
function Warnings({ targets }: { readonly targets: readonly Parameters<typeof warningOf>[0][] }): ReactNode {
  const warned = targets.flatMap((target) => {
    const warning = warningOf(target);
    return warning === undefined ? [] : [{ id: target.id, warning }];
  });
  if (warned.length === 0) return undefined;
  return (
    <Alert type="warning">
      {warned.map(({ id, warning }) => (
        <div key={id}>
          {visibleText(warning)}{' '}
          <PageLink to={`/integrations/${encodeURIComponent(id)}`}>Show {visibleText(id)}</PageLink>
        </div>
      ))}
    </Alert>
  );
}
