import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { type ReactNode, useMemo, useState } from 'react';
import type { DeployedFlag } from '../../commands/flag/read-flag.ts';
import { counted, formatNumber } from '../../commands/shared/format.ts';
import { OutsideText } from '../components/outside-text.tsx';
import { visibleText } from '../visible-text.ts';
import {
  type EnterpriseRow,
  evaluateRows,
  filterRows,
  type KnownEnterprise,
  pageCount,
  pageOf,
  type Shown,
  type SortedBy,
  sortRows,
} from './enterprises.ts';
import { addPilotChange, type FlagChange, isNameable, removePilotChange } from './flag-change.ts';

export interface EnterpriseTableProps {
  readonly deployed: DeployedFlag;
  readonly enterprises: readonly KnownEnterprise[];
  /** Why a change has to wait; undefined if it need not. */
  readonly whyBusy: string | undefined;
  /** What reads the adoption. */
  readonly reader: ReactNode;
  onChange(change: FlagChange): void;
}

const SHOWN = [
  { value: 'all', label: 'All' },
  { value: 'on', label: 'Enabled' },
  { value: 'off', label: 'Disabled' },
] as const;

/** The known enterprises, each with the flag's value, and why. */
export function EnterpriseTable(props: EnterpriseTableProps): ReactNode {
  const { deployed, enterprises, reader } = props;
  const [text, setText] = useState('');
  const [shown, setShown] = useState<Shown>('all');
  const [page, setPage] = useState(1);
  const [sorting, setSorting] = useState<{ readonly column: SortedBy; readonly isDescending: boolean }>({
    column: 'id',
    isDescending: false,
  });
  const rows = useMemo(() => evaluateRows(deployed.flag, enterprises), [deployed.flag, enterprises]);
  const found = useMemo(
    () => sortRows(filterRows(rows, text, shown), sorting.column, sorting.isDescending),
    [rows, text, shown, sorting],
  );
  const pages = pageCount(found.length);
  return (
    <Table<EnterpriseRow>
      variant="container"
      contentDensity="compact"
      trackBy="id"
      items={[...pageOf(found, page)]}
      columnDefinitions={columnsOf(props)}
      sortingColumn={{ sortingField: sorting.column }}
      sortingDescending={sorting.isDescending}
      onSortingChange={({ detail }) =>
        setSorting({
          column: detail.sortingColumn.sortingField as SortedBy,
          isDescending: detail.isDescending ?? false,
        })
      }
      ariaLabels={{ tableLabel: 'Enterprises' }}
      header={
        <Header
          variant="h2"
          counter={`(${formatNumber(rows.filter(({ isOn }) => isOn).length)} of ${formatNumber(rows.length)} enabled)`}
          description="Those of integrations, pilots and, once read, of the ledger; completions delivered with and without learning time"
          actions={reader}
        >
          Enterprises
        </Header>
      }
      filter={
        <SpaceBetween direction="horizontal" size="xs">
          <TextFilter
            filteringText={text}
            filteringPlaceholder="A part of the id"
            filteringAriaLabel="Enterprises by a part of their id"
            countText={counted(found.length, 'match', 'matches')}
            onChange={({ detail }) => {
              setText(detail.filteringText);
              setPage(1);
            }}
          />
          <Select
            ariaLabel="Which enterprises"
            selectedOption={SHOWN.find(({ value }) => value === shown) ?? SHOWN[0]}
            options={SHOWN}
            onChange={({ detail }) => {
              setShown(detail.selectedOption.value as Shown);
              setPage(1);
            }}
          />
        </SpaceBetween>
      }
      pagination={
        <Pagination
          currentPageIndex={Math.min(page, pages)}
          pagesCount={pages}
          ariaLabels={{ paginationLabel: 'Pages of enterprises' }}
          onChange={({ detail }) => setPage(detail.currentPageIndex)}
        />
      }
      empty={rows.length === 0 ? 'No integration has an enterprise, and there are no pilots.' : 'None matches.'}
    />
  );
}

function columnsOf({
  deployed,
  whyBusy,
  onChange,
}: EnterpriseTableProps): TableProps.ColumnDefinition<EnterpriseRow>[] {
  return [
    {
      id: 'id',
      header: 'Enterprise',
      cell: ({ id }) => <OutsideText text={id} />,
      sortingField: 'id',
      isRowHeader: true,
    },
    {
      id: 'isOn',
      header: 'Learning time',
      cell: ({ isOn }) => (
        <StatusIndicator type={isOn ? 'success' : 'stopped'}>{isOn ? 'Enabled' : 'Disabled'}</StatusIndicator>
      ),
      sortingField: 'isOn',
    },
    { id: 'position', header: 'Why', cell: ({ why }) => why, sortingField: 'position' },
    { id: 'sources', header: 'Source', cell: ({ sources }) => sources.join(', ') },
    {
      id: 'adoption',
      header: 'With / without',
      cell: ({ adoption }) =>
        adoption === undefined
          ? '-'
          : `${formatNumber(adoption.withLearningTime)} / ${formatNumber(adoption.flagOff + adoption.otherwise)}`,
      sortingField: 'adoption',
    },
    {
      id: 'pilot',
      header: 'Pilot',
      minWidth: 110,
      cell: ({ id }) => {
        const isPilot = deployed.flag.pilot_enterprises.includes(id);
        const whyNot = isNameable(id) ? whyBusy : 'No event can have this id: correct it where it is written';
        return (
          <Button
            variant="inline-link"
            disabled={whyNot !== undefined}
            disabledReason={whyNot ?? ''}
            ariaLabel={`${isPilot ? 'Remove pilot' : 'Add pilot'} ${visibleText(id, 100)}`}
            onClick={() => onChange((isPilot ? removePilotChange : addPilotChange)(deployed, id))}
          >
            {isPilot ? 'Remove' : 'Add'}
          </Button>
        );
      },
    },
  ];
}
