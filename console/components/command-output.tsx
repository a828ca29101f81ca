import Box from '@cloudscape-design/components/box';
import LiveRegion from '@cloudscape-design/components/live-region';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { parseProgress } from '../parse-progress.ts';
import type { CommandRun } from '../use-command-run.ts';
import { visibleText } from '../visible-text.ts';
import './command-output.css';
import { Failure } from './failure.tsx';

/** What a command that runs, or has run, shows: its progress, its output, and how it ended. */
export function CommandOutput({
  command,
  renderOutput,
}: {
  readonly command: CommandRun;
  /** Shows the output of a command that has ended in another form than as text. */
  renderOutput?(output: string): ReactNode;
}): ReactNode {
  const { phase, output, progress, error, result } = command;
  const shown = phase === 'ended' && result !== undefined ? renderOutput?.(result.output) : undefined;
  return (
    <SpaceBetween size="s">
      {(phase === 'running' || phase === 'stopping') && <Progress text={progress} isStopping={phase === 'stopping'} />}
      {shown ?? (output !== '' && <Output text={output} />)}
      {error !== undefined && <Failure error={error} />}
      <LiveRegion>{result !== undefined && <End command={command} />}</LiveRegion>
    </SpaceBetween>
  );
}

function Progress({ text, isStopping }: { readonly text: string; readonly isStopping: boolean }): ReactNode {
  const parsed = parseProgress(text);
  const label = isStopping ? 'Stopping: what was begun is finished' : 'Running';
  if (parsed.percent === undefined) {
    return (
      <StatusIndicator type="in-progress">
        {visibleText([label, parsed.text].filter(Boolean).join(': '), 300)}
      </StatusIndicator>
    );
  }
  return <ProgressBar value={parsed.percent} label={label} description={parsed.text} additionalInfo={parsed.rate} />;
}

/** Long output scrolls, and is read with the keyboard. */
function Output({ text }: { readonly text: string }): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the keyboard's focus (WCAG 2.1.1).
    <section className="command-output" aria-label="Output" tabIndex={0}>
      <Box variant="pre">{visibleText(text)}</Box>
    </section>
  );
}

function End({ command: { result, isStopped } }: { readonly command: CommandRun }): ReactNode {
  if (isStopped) return <StatusIndicator type="stopped">Stopped: the output says what was done</StatusIndicator>;
  return result?.exitCode === 0 ? (
    <StatusIndicator type="success">Done</StatusIndicator>
  ) : (
    <StatusIndicator type="error">Ended with exit code {result?.exitCode}</StatusIndicator>
  );
}
