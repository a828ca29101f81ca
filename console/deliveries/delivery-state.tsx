import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { OutsideText } from '../components/outside-text.tsx';

const TYPES: Readonly<Record<string, StatusIndicatorProps.Type>> = {
  accepted: 'pending',
  delivering: 'in-progress',
  scheduled: 'pending',
  parked: 'warning',
  delivered: 'success',
  dead: 'error',
  filtered: 'info',
  cancelled: 'stopped',
};

/** A state with its icon. */
export function DeliveryStateText({ state }: { readonly state: string }): ReactNode {
  return (
    <StatusIndicator type={TYPES[state] ?? 'info'}>
      <OutsideText text={state} />
    </StatusIndicator>
  );
}
