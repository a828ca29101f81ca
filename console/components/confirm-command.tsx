/// <reference lib="dom" />
import Box from '@cloudscape-design/components/box';
import Button, { type ButtonProps } from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useEffect, useId, useRef } from 'react';
import type { Answer, CommandResult } from '../../commands/console/operations/run-command.ts';
import { commandText } from '../command-text.ts';
import { useConsole } from '../console-context.ts';
import { useCommandRun } from '../use-command-run.ts';
import { visibleText } from '../visible-text.ts';
import { CommandOutput } from './command-output.tsx';

export interface ConfirmCommandProps {
  /** What it does: `Pause skillsoft-prod`. */
  readonly title: string;
  /** What follows `./ltw`, without `--stage` and `--yes`. */
  readonly words: readonly string[];
  /** Answers to the command's questions, in their order: new credentials. They are not part of the shown command. */
  readonly answers?: readonly Answer[];
  /** What the operator should know. It stays while the command runs. */
  readonly children?: ReactNode;
  /** What is true only until the command has begun. */
  readonly beforeRun?: ReactNode;
  /** What the button says that runs it again, after it was stopped or has failed: `Continue`. */
  readonly againLabel?: string;
  /** Shows the output in another form than as text. */
  renderOutput?(output: string): ReactNode;
  /** @param result undefined if it was not run to its end */
  onClose(result: CommandResult | undefined): void;
}

/**
 * Asks once, shows the equivalent command, runs it, and shows what it printed. Enter runs it. It can be stopped: it then says
 * what was done.
 */
export function ConfirmCommand(props: ConfirmCommandProps): ReactNode {
  const { title, words, answers = [], children, beforeRun, againLabel = 'Run again', renderOutput, onClose } = props;
  const { stageName } = useConsole();
  const command = useCommandRun();
  const formId = useId();
  const runButton = useRef<ButtonProps.Ref>(null);
  const endButton = useRef<ButtonProps.Ref>(null);
  const { phase, result, stop } = command;
  const isRunning = phase === 'running' || phase === 'stopping';
  const isDone = phase === 'ended' && result?.exitCode === 0;

  // The modal has moved the focus to its first control by then.
  useEffect(() => {
    const timer = setTimeout(() => (phase === 'before' ? runButton : endButton).current?.focus());
    return () => clearTimeout(timer);
  }, [phase]);

  const close = () => onClose(result);
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
              <Button ref={endButton} onClick={stop}>
                {phase === 'running' ? 'Stop' : 'Do not wait'}
              </Button>
            ) : (
              <Button ref={endButton} variant="link" onClick={close}>
                {phase === 'before' ? 'Cancel' : 'Close'}
              </Button>
            )}
            {!isDone && (
              <Button ref={runButton} variant="primary" form={formId} loading={isRunning} loadingText="Running">
                {phase === 'ended' ? againLabel : 'Run'}
              </Button>
            )}
          </SpaceBetween>
        </Box>
      }
    >
      <form
        id={formId}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isRunning && !isDone) void command.run(words, answers);
        }}
      >
        <SpaceBetween size="m">
          {phase === 'before' && beforeRun}
          {children}
          <div>
            <Box variant="awsui-key-label">The same in a terminal</Box>
            <Box variant="code">{visibleText(commandText(words, stageName))}</Box>
          </div>
          <CommandOutput command={command} {...(renderOutput !== undefined && { renderOutput })} />
        </SpaceBetween>
      </form>
    </Modal>
  );
}
