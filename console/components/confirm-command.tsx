import Box from '@cloudscape-design/components/box';
import Button, { type ButtonProps } from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { CommandResult } from '../../commands/console/operations/run-command.ts';
import { commandText } from '../command-text.ts';
import { useConsole } from '../console-context.ts';
import { visibleText } from '../visible-text.ts';
import { Failure } from './failure.tsx';

export interface ConfirmCommandProps {
  /** What it does: `Pause skillsoft-prod`. */
  readonly title: string;
  /** What follows `./ltw`, without `--stage` and `--yes`. */
  readonly words: readonly string[];
  /** Answers to the command's questions, in their order: new credentials. They are not part of the shown command. */
  readonly answers?: readonly string[];
  /** What the operator should know first. */
  readonly children?: ReactNode;
  /** Shows what a command printed that prints a document; undefined: as it is. */
  showOutput?(output: string): ReactNode;
  /** @param result undefined if it was not run to its end */
  onClose(result: CommandResult | undefined): void;
}

/** Asks once, shows the equivalent command, runs it, and shows what it printed. It can be stopped. */
export function ConfirmCommand({
  title,
  words,
  answers = [],
  children,
  showOutput,
  onClose,
}: ConfirmCommandProps): ReactNode {
  const { call, stageName } = useConsole();
  const [output, setOutput] = useState('');
  const [progress, setProgress] = useState('');
  const [result, setResult] = useState<CommandResult>();
  const [error, setError] = useState<string>();
  const [isRunning, setIsRunning] = useState(false);
  const running = useRef<AbortController>(undefined);
  const closeButton = useRef<ButtonProps.Ref>(null);

  // The button that had the focus is gone, and with it the keyboard.
  useEffect(() => {
    if (result !== undefined) closeButton.current?.focus();
  }, [result]);

  const run = async () => {
    const own = new AbortController();
    running.current = own;
    setIsRunning(true);
    setError(undefined);
    setOutput('');
    try {
      const ended = await call(
        'command',
        { words: [...words], answers: [...answers] },
        {
          signal: own.signal,
          onProgress(line) {
            if ('printed' in line) setOutput((before) => `${before}${line.printed}\n`);
            else setProgress(line.progress);
          },
        },
      );
      setResult(ended);
    } catch (thrown) {
      setError(own.signal.aborted ? 'It was stopped: what was begun may have been done.' : (thrown as Error).message);
    } finally {
      setIsRunning(false);
      setProgress('');
    }
  };
  const close = () => {
    running.current?.abort();
    onClose(result);
  };
  return (
    <Modal
      visible
      size="large"
      header={title}
      onDismiss={close}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            {isRunning ? (
              <Button onClick={() => running.current?.abort()}>Stop</Button>
            ) : (
              <Button ref={closeButton} variant="link" onClick={close}>
                {result === undefined ? 'Cancel' : 'Close'}
              </Button>
            )}
            {result === undefined && (
              <Button variant="primary" loading={isRunning} onClick={() => void run()}>
                Run
              </Button>
            )}
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {children}
        <div>
          <Box variant="awsui-key-label">The same in a terminal</Box>
          <Box variant="code">{visibleText(commandText(words, stageName))}</Box>
        </div>
        {error !== undefined && <Failure error={error} />}
        <div aria-live="polite">
          {progress !== '' && <StatusIndicator type="in-progress">{visibleText(progress)}</StatusIndicator>}
          {output !== '' && (showOutput?.(output) ?? <Box variant="pre">{visibleText(output, 100_000)}</Box>)}
          {result !== undefined && (
            <StatusIndicator type={result.exitCode === 0 ? 'success' : 'error'}>
              {result.exitCode === 0 ? 'Done' : `Ended with exit code ${result.exitCode}`}
            </StatusIndicator>
          )}
        </div>
      </SpaceBetween>
    </Modal>
  );
}
