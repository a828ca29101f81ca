import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { shortTime } from '../../commands/shared/short-time.ts';
import { OutsideText } from '../components/outside-text.tsx';
import type { Phase, TimelineEntry } from './timeline.ts';
import './timeline-list.css';

/** A delivery's timeline, as a list. */
export function Timeline({ entries }: { readonly entries: readonly TimelineEntry[] }): ReactNode {
  return (
    <ol className="timeline" aria-label="Timeline of the delivery, oldest first">
      {entries.map(({ at, type, title, details, phases }, position) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: entries have no other identity, and no state.
        <li key={position}>
          <Box color="text-body-secondary" fontSize="body-s">
            {at === undefined ? 'time not recorded' : <time dateTime={at}>{shortTime(at)}</time>}
          </Box>
          <div>
            <StatusIndicator type={type}>{title}</StatusIndicator>
            {details.map((one) => (
              <Box key={one} color="text-body-secondary">
                <OutsideText text={one} atMost={600} />
              </Box>
            ))}
            {phases !== undefined && <Box fontSize="body-s">{phases.map(formatPhase).join(', ')}</Box>}
          </div>
        </li>
      ))}
    </ol>
  );
}

function formatPhase({ name, ms }: Phase): string {
  return `${name} ${ms} ms`;
}
