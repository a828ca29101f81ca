import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { Failure } from '../components/failure.tsx';
import { useCall } from '../use-call.ts';
import { visibleText } from '../visible-text.ts';

/** What to do where an alarm is in ALARM: its section of docs/runbook.md. */
export function RunbookModal({ alarm, onClose }: { readonly alarm: string; onClose(): void }): ReactNode {
  const { result, error, reload } = useCall('runbook', { alarm });
  return (
    <Modal
      visible
      size="large"
      header={`Runbook: ${visibleText(alarm, 100)}`}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <Button onClick={onClose}>Close</Button>
        </Box>
      }
    >
      {error !== undefined && <Failure error={error} onRetry={reload} />}
      {error === undefined && result === undefined && <StatusIndicator type="loading">Reading</StatusIndicator>}
      {result !== undefined && <div className="runbook-text">{visibleText(result.text)}</div>}
    </Modal>
  );
}
