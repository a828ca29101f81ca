import Button from '@cloudscape-design/components/button';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { EnterpriseAdoption } from '../../commands/console/operations/rollout.ts';
import { counted } from '../../commands/shared/format.ts';
import { Failure } from '../components/failure.tsx';
import { useConsole } from '../console-context.ts';

const SPANS = [
  { value: '1', label: 'last day' },
  { value: '7', label: 'last 7 days' },
  { value: '30', label: 'last 30 days' },
  { value: '90', label: 'last 90 days' },
] as const;

/** Reads from the ledger which enterprises had learning time: on demand, since it reads every delivery of the days. */
export function AdoptionReader({ onRead }: { onRead(found: readonly EnterpriseAdoption[]): void }): ReactNode {
  const { call } = useConsole();
  const [days, setDays] = useState<string>('7');
  const [status, setStatus] = useState('');
  const [error, setError] = useState<string>();
  const [isReading, setIsReading] = useState(false);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const read = async () => {
    const own = new AbortController();
    running.current = own;
    setIsReading(true);
    setError(undefined);
    setStatus('reading the ledger');
    try {
      const result = await call(
        'adoption',
        { days: Number(days) },
        {
          signal: own.signal,
          onProgress: (progress) => setStatus(`${counted(progress.read, 'delivery', 'deliveries')} read`),
        },
      );
      onRead(result.enterprises);
      setStatus(`${counted(result.read, 'delivery', 'deliveries')} read`);
    } catch (thrown) {
      setStatus(own.signal.aborted ? 'stopped' : '');
      if (!own.signal.aborted) setError((thrown as Error).message);
    } finally {
      setIsReading(false);
    }
  };
  return (
    <SpaceBetween size="xs">
      <SpaceBetween direction="horizontal" size="xs" alignItems="center">
        <span aria-live="polite">{status}</span>
        <Select
          ariaLabel="Days of the ledger to read"
          selectedOption={SPANS.find(({ value }) => value === days) ?? SPANS[1]}
          options={SPANS}
          onChange={({ detail }) => setDays(detail.selectedOption.value ?? '7')}
        />
        {isReading ? (
          <Button onClick={() => running.current?.abort()}>Stop reading</Button>
        ) : (
          <Button onClick={() => void read()}>Read adoption</Button>
        )}
      </SpaceBetween>
      {error !== undefined && <Failure error={error} onRetry={() => void read()} />}
    </SpaceBetween>
  );
}
