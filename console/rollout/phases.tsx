import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { type ReactNode, useState } from 'react';
import { CRITERIA, PHASES, type Phase } from '../../commands/rollout/criteria.ts';
import type { CriterionTexts } from '../../commands/rollout/format-check.ts';
import { formatNumber } from '../../commands/shared/format.ts';
import { Failure } from '../components/failure.tsx';
import { useCall } from '../use-call.ts';

const HOURS = [
  { value: '1', label: 'last hour' },
  { value: '6', label: 'last 6 hours' },
  { value: '24', label: 'last 24 hours' },
  { value: '72', label: 'last 3 days' },
  { value: '168', label: 'last 7 days' },
  { value: '336', label: 'last 14 days' },
] as const;

const VERDICTS: Readonly<Record<CriterionTexts['verdict'], StatusIndicatorProps.Type>> = {
  yes: 'success',
  no: 'error',
  'not enough data': 'pending',
};

/** Each phase with its criteria, as `./ltw rollout check` judges them. @param current undefined if there is none */
export function Phases({ current }: { readonly current: Phase | undefined }): ReactNode {
  const [hours, setHours] = useState<string>('24');
  return (
    <SpaceBetween size="m">
      <Header
        variant="h2"
        description="Latency, queries and deliveries of all integrations together"
        actions={
          <Select
            ariaLabel="Time over which phases are judged"
            selectedOption={HOURS.find(({ value }) => value === hours) ?? HOURS[2]}
            options={HOURS}
            onChange={({ detail }) => setHours(detail.selectedOption.value ?? '24')}
          />
        }
      >
        Phases
      </Header>
      {PHASES.map((phase) => (
        <PhaseSection key={phase} phase={phase} hours={Number(hours)} isCurrent={phase === current} />
      ))}
    </SpaceBetween>
  );
}

interface PhaseSectionProps {
  readonly phase: Phase;
  readonly hours: number;
  readonly isCurrent: boolean;
}

function PhaseSection({ phase, hours, isCurrent }: PhaseSectionProps): ReactNode {
  const { result, error, isLoading, reload } = useCall('rolloutPhase', { phase, hours });
  const [isExpanded, setIsExpanded] = useState<boolean>();
  const { reach, questions } = CRITERIA[phase];
  const status = () => {
    if (error !== undefined) return <StatusIndicator type="error">could not be read</StatusIndicator>;
    if (result === undefined) return <StatusIndicator type="loading">reading CloudWatch</StatusIndicator>;
    return <StatusIndicator type={result.isMet ? 'success' : 'pending'}>{result.conclusion}</StatusIndicator>;
  };
  return (
    <ExpandableSection
      variant="container"
      headingTagOverride="h3"
      headerText={`Phase ${phase}: ${reach}${isCurrent ? ' (now)' : ''}`}
      headerActions={
        <SpaceBetween direction="horizontal" size="m" alignItems="center">
          <span aria-live="polite">{status()}</span>
          <Button loading={isLoading} ariaLabel={`Read again: phase ${phase}`} onClick={reload}>
            Read again
          </Button>
        </SpaceBetween>
      }
      expanded={isExpanded ?? isCurrent}
      onChange={({ detail }) => setIsExpanded(detail.expanded)}
    >
      <SpaceBetween size="m">
        {error !== undefined && <Failure error={error} onRetry={reload} />}
        {result !== undefined && <CriteriaTable phase={phase} criteria={result.criteria} />}
        {result?.criteria.map(
          ({ says, remedy }) =>
            remedy !== undefined && (
              <Alert key={says} type="warning" header={says}>
                {remedy}
              </Alert>
            ),
        )}
        {questions.length > 0 && (
          <div>
            <Box variant="h4">For a person to answer</Box>
            <ul>
              {questions.map(({ asks, source }) => (
                <li key={asks}>{`${asks} (${source})`}</li>
              ))}
            </ul>
          </div>
        )}
      </SpaceBetween>
    </ExpandableSection>
  );
}

interface CriteriaTableProps {
  readonly phase: Phase;
  readonly criteria: readonly CriterionTexts[];
}

function CriteriaTable({ phase, criteria }: CriteriaTableProps): ReactNode {
  return (
    <Table<CriterionTexts>
      variant="embedded"
      trackBy="says"
      items={[...criteria]}
      ariaLabels={{ tableLabel: `Criteria of phase ${phase}` }}
      columnDefinitions={[
        {
          id: 'verdict',
          header: 'Met',
          cell: ({ verdict }) => <StatusIndicator type={VERDICTS[verdict]}>{verdict}</StatusIndicator>,
        },
        {
          id: 'says',
          header: 'Criterion',
          isRowHeader: true,
          cell: ({ says }) => says,
        },
        { id: 'is', header: 'Is', cell: ({ is }) => is },
        { id: 'shouldBe', header: 'Should be', cell: ({ shouldBe }) => shouldBe },
        { id: 'samples', header: 'Of', cell: ({ samples }) => formatNumber(samples) },
        { id: 'source', header: 'Document', cell: ({ source }) => source },
      ]}
    />
  );
}
