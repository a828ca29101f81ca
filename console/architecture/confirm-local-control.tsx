import Box from '@cloudscape-design/components/box';
import Button, { type ButtonProps } from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Failure } from '../components/failure.tsx';
import { useConsole } from '../console-context.ts';
import { visibleText } from '../visible-text.ts';

export interface ConfirmLocalControlProps {
  /** What follows `npm run local --`. */
  readonly words: readonly string[];
  onClose(): void;
}

/** Asks once, shows the equivalent command, runs it, and shows what the platform said. A skip may take minutes. */
export function ConfirmLocalControl({ words, onClose }: ConfirmLocalControlProps): ReactNode {
  const { call } = useConsole();
  const [time, setTime] = useState<string>();
  const [text, setText] = useState<string>();
  const [error, setError] = useState<string>();
  const [isRunning, setIsRunning] = useState(false);

  const closeButton = useRef<ButtonProps.Ref>(null);
  // The button that was pressed is gone: without the focus in the dialog, Escape would not close it.
  useEffect(() => {
    if (text !== undefined) closeButton.current?.focus();
  }, [text]);

  const run = async () => {
    setIsRunning(true);
    setError(undefined);
    try {
      const ended = await call('localControl', { words: [...words] }, { onProgress: (now) => setTime(now.time) });
      setText(ended.text);
    } catch (thrown) {
      setError((thrown as Error).message);
    } finally {
      setIsRunning(false);
    }
  };
  return (
    <Modal
      visible
      header={visibleText(words.join(' '))}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button ref={closeButton} variant="link" onClick={onClose}>
              {text === undefined && !isRunning ? 'Cancel' : 'Close'}
            </Button>
            {text === undefined && (
              <Button variant="primary" loading={isRunning} onClick={() => void run()}>
                Run
              </Button>
            )}
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <div>
          <Box variant="awsui-key-label">The same in a terminal</Box>
          <Box variant="code">{visibleText(`npm run local -- ${words.join(' ')}`)}</Box>
        </div>
        {error !== undefined && <Failure error={error} />}
        {/* Not in the live region: it changes twice a second. */}
        {isRunning && time !== undefined && (
          <Box color="text-body-secondary">The platform’s time is {time.replace(/\.\d+Z$/, 'Z')}</Box>
        )}
        <div aria-live="polite">
          {isRunning && <StatusIndicator type="in-progress">Running</StatusIndicator>}
          {text !== undefined && <StatusIndicator type="success">{visibleText(text)}</StatusIndicator>}
        </div>
      </SpaceBetween>
    </Modal>
  );
}
