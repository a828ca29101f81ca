import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import { ConfirmCommand } from '../components/confirm-command.tsx';

/** Shortest reason, in characters: that of `./ltw ledger close`. */
const MIN_REASON = 4;

/** Asks as what a delivery is closed, and why, and then for confirmation. */
export function CloseDelivery({ webhookId, onClose }: { readonly webhookId: string; onClose(): void }): ReactNode {
  const [as, setAs] = useState('cancelled');
  const [reason, setReason] = useState('');
  const [isReady, setIsReady] = useState(false);
  if (isReady) {
    const words = ['ledger', 'close', webhookId, '--as', as, `--reason=${reason}`];
    return <ConfirmCommand title={`Close ${webhookId} as ${as}`} words={words} onClose={onClose} />;
  }
  return (
    <Modal
      visible
      header="Close the delivery"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" disabled={reason.trim().length < MIN_REASON} onClick={() => setIsReady(true)}>
              Next
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <FormField label="What is true of it">
          <RadioGroup
            value={as}
            items={[
              { value: 'cancelled', label: 'Cancelled', description: 'It is not to be sent any more' },
              { value: 'delivered', label: 'Delivered', description: 'The partner has it' },
            ]}
            onChange={({ detail }) => setAs(detail.value)}
          />
        </FormField>
        <FormField label="Reason" description="It stays in the ledger: who says so. No personal data">
          <Input value={reason} onChange={({ detail }) => setReason(detail.value)} />
        </FormField>
      </SpaceBetween>
    </Modal>
  );
}
