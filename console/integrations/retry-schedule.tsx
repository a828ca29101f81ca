import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import type { RetrySchedule as Schedule } from '../../commands/integration/retry-schedule.ts';
import { formatDuration } from '../../commands/shared/format.ts';
import { RetryAxis } from './retry-axis.tsx';
import { groupSchedules, retryTimes } from './retry-times.ts';

/** When deliveries of an integration are attempted, for each kind of event. */
export function RetrySchedule({ schedules }: { readonly schedules: readonly Schedule[] }): ReactNode {
  const groups = groupSchedules(schedules);
  const [chosen, setChosen] = useState(0);
  const group = groups[chosen] ?? groups[0];
  if (group === undefined) return undefined;
  const options = groups.map(({ kinds }, index) => ({ value: String(index), label: kinds.join(', ') }));
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Left end of a bar: every attempt before fails at once. Right end: each takes all of its timeout. Retry-After, rate limits and pauses delay attempts beyond that."
        >
          Retry schedule
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FormField label="Kind of event">
          <Select
            options={options}
            selectedOption={options[groups.indexOf(group)] ?? null}
            onChange={({ detail }) => setChosen(Number(detail.selectedOption.value))}
          />
        </FormField>
        <RetryAxis times={retryTimes(group.schedule)} title={`Attempts of ${group.kinds.join(', ')}`} />
        <Box color="text-body-secondary">
          {`${group.schedule.attempts.length} attempts, ${formatDuration(group.schedule.total_wait_ms)} of waiting. The axis is logarithmic, so that seconds and hours are both readable.`}
        </Box>
      </SpaceBetween>
    </Container>
  );
}
