import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import Slider from '@cloudscape-design/components/slider';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { REPLAY_RATE, REPLAYED_STATES } from '../../commands/replay/option-values.ts';
import type { ReplaySelection } from './replay-words.ts';

const ALL = { value: '', label: 'All integrations' };

/** Which deliveries are replayed, and how fast. */
export function ReplayForm({
  selection,
  rate,
  integrationIds,
  onSelect,
  onRate,
}: {
  readonly selection: ReplaySelection;
  /** Deliveries a second. */
  readonly rate: number;
  readonly integrationIds: readonly string[];
  onSelect(selection: ReplaySelection): void;
  onRate(rate: number): void;
}): ReactNode {
  const text = (name: 'like' | 'contains' | 'since' | 'until', label: string, description: string) => (
    <FormField label={label} description={description}>
      <Input value={selection[name]} onChange={({ detail }) => onSelect({ ...selection, [name]: detail.value })} />
    </FormField>
  );
  const integrations = [ALL, ...integrationIds.map((value) => ({ value, label: value }))];
  return (
    <SpaceBetween size="m">
      <ColumnLayout columns={2}>
        <FormField label="Integration">
          <Select
            options={integrations}
            selectedOption={
              integrations.find(({ value }) => value === selection.integration) ?? {
                value: selection.integration,
                label: selection.integration,
              }
            }
            onChange={({ detail }) => onSelect({ ...selection, integration: detail.selectedOption.value ?? '' })}
          />
        </FormField>
        <FormField label="State">
          <Select
            options={REPLAYED_STATES.map((value) => ({ value }))}
            selectedOption={{ value: selection.state }}
            onChange={({ detail }) => onSelect({ ...selection, state: detail.selectedOption.value ?? 'dead' })}
          />
        </FormField>
        {text('like', 'Reason', 'Of a group, or of one delivery: other ids, numbers, times and URLs aside')}
        {text('contains', 'Part of the reason', 'Contained as it is')}
        {text('since', 'Accepted since', '24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z')}
        {text('until', 'Accepted until', 'The same forms; empty: until now')}
      </ColumnLayout>
      <FormField label={`Rate: ${rate} a second`} description={`Deliveries a second, 1 to ${REPLAY_RATE.most}`}>
        <div className="replay-rate">
          <Slider
            value={rate}
            min={1}
            max={REPLAY_RATE.most}
            ariaLabel="Deliveries a second"
            onChange={({ detail }) => onRate(detail.value)}
          />
        </div>
      </FormField>
    </SpaceBetween>
  );
}

export function Actions({
  isCounting,
  canReplay,
  onCount,
  onStop,
  onReplay,
}: {
  readonly isCounting: boolean;
  readonly canReplay: boolean;
  onCount(): void;
  onStop(): void;
  onReplay(): void;
}): ReactNode {
  return (
    <Box float="right">
      <SpaceBetween direction="horizontal" size="xs">
        {isCounting ? <Button onClick={onStop}>Stop</Button> : <Button onClick={onCount}>Dry run</Button>}
        <Button
          variant="primary"
          disabled={!canReplay}
          disabledReason="A dry run says first how many there are"
          onClick={onReplay}
        >
          Replay
        </Button>
      </SpaceBetween>
    </Box>
  );
}
