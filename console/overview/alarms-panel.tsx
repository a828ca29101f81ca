import Header from '@cloudscape-design/components/header';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import { formatNumber } from '../../commands/shared/format.ts';
import { shortTime } from '../../commands/shared/short-time.ts';
import type { AlarmsStatus } from '../../commands/status/read-status.ts';
import { OutsideText } from '../components/outside-text.tsx';
import { PageLink } from '../components/page-link.tsx';
import { runbookHeading } from './alarm-name.ts';

const DESCRIPTION_CHARACTERS = 500;

/** The alarms in ALARM, as `./ltw alarms` lists them. @param addressOf the address that shows a heading of the runbook */
export function AlarmsPanel({
  alarms: { total, in_alarm },
  addressOf,
}: {
  readonly alarms: AlarmsStatus;
  addressOf(heading: string): string;
}): ReactNode {
  return (
    <Table
      variant="container"
      contentDensity="compact"
      wrapLines
      header={
        <Header variant="h3" headingTagOverride="h2" counter={`(${in_alarm.length} of ${total})`}>
          Alarms in ALARM
        </Header>
      }
      items={in_alarm.slice(0, 100)}
      trackBy="name"
      ariaLabels={{ tableLabel: 'Alarms in ALARM' }}
      empty={<StatusIndicator type="success">None of {formatNumber(total)} alarms is in ALARM</StatusIndicator>}
      columnDefinitions={[
        {
          id: 'name',
          header: 'Alarm',
          isRowHeader: true,
          cell: ({ name }) => (
            <StatusIndicator type="error">
              <OutsideText text={name} />
            </StatusIndicator>
          ),
        },
        { id: 'since', header: 'Since', cell: ({ since }) => (since === null ? '-' : shortTime(since)) },
        { id: 'value', header: 'Value', cell: ({ value }) => rounded(value) },
        { id: 'threshold', header: 'Threshold', cell: ({ threshold }) => rounded(threshold) },
        {
          id: 'means',
          header: 'Means',
          cell: ({ means }) => <OutsideText text={means} atMost={DESCRIPTION_CHARACTERS} />,
        },
        {
          id: 'runbook',
          header: 'Runbook',
          cell({ runbook }) {
            const heading = runbookHeading(runbook);
            if (heading === undefined) return <OutsideText text={runbook} />;
            return (
              <PageLink to={addressOf(heading)} ariaLabel={`What to do: ${heading}`}>
                what to do
              </PageLink>
            );
          },
        },
      ]}
    />
  );
}

function rounded(value: number | null): string {
  return value === null ? '-' : formatNumber(Math.round(value * 10) / 10);
}
