import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import { ConfirmCommand } from '../components/confirm-command.tsx';

interface PauseOrResumeProps {
  readonly id: string;
  /** By its own entry. */
  readonly isPaused: boolean;
  /** Called after a command. */
  onDone(): void;
}

/** Pauses an integration, and resumes one that is paused, or that the circuit breaker has parked. */
export function PauseOrResume({ id, isPaused, onDone }: PauseOrResumeProps): ReactNode {
  const [asked, setAsked] = useState<'pause' | 'resume'>();
  return (
    <>
      <SpaceBetween direction="horizontal" size="xs">
        <Button
          disabled={isPaused}
          disabledReason="It is paused already."
          onClick={() => setAsked('pause')}
          ariaLabel={`Pause ${id}`}
        >
          Pause
        </Button>
        <Button onClick={() => setAsked('resume')} ariaLabel={`Resume ${id}`}>
          Resume
        </Button>
      </SpaceBetween>
      {asked !== undefined && (
        <ConfirmCommand
          title={asked === 'pause' ? `Pause ${id}` : `Resume ${id}`}
          words={['integration', asked, id]}
          onClose={() => {
            setAsked(undefined);
            onDone();
          }}
        >
          {asked === 'pause'
            ? 'Its deliveries are parked, and spend no attempt, until it is resumed.'
            : 'It also resets that its endpoint is gone, failing or without a valid certificate, and releases parked deliveries at the integration’s rate limit.'}
        </ConfirmCommand>
      )}
    </>
  );
}
