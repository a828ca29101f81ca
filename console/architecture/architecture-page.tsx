import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import { DIAGRAM_EDGES, DIAGRAM_NODES, EDGE_IDS, NODE_IDS, type NodeId } from '../../docs/architecture-diagram.ts';
import { commandText } from '../command-text.ts';
import { Failure } from '../components/failure.tsx';
import { useConsole } from '../console-context.ts';
import { useCall } from '../use-call.ts';
import { detailsOf } from './details.ts';
import { Diagram, type DiagramProps, rowId } from './diagram.tsx';
import { edgeNumbers, errorsOf, nodeNumbers } from './numbers.ts';
import { LocalSwitches } from './switches.tsx';

/** CloudWatch publishes by the minute and bills each metric that is read; the local platform does neither. */
const READ_EVERY_MS = 60_000;
const READ_LOCAL_EVERY_MS = 5_000;

/** The containers of docs/architecture.md with current numbers; for the local platform, its switches too. */
export function ArchitecturePage(): ReactNode {
  const { stageName } = useConsole();
  const isLocal = stageName === 'local';
  const everyMs = isLocal ? READ_LOCAL_EVERY_MS : READ_EVERY_MS;
  const { result, error, reload } = useCall('architecture', {}, { everyMs });
  const props: DiagramProps = {
    edgeNumbers: result ? edgeNumbers(result) : {},
    nodeNumbers: result ? nodeNumbers(result) : {},
  };
  const errors = result ? errorsOf(result) : [];
  const readAt = result && `, read ${result.read_at.replace(/\.\d+Z$/, 'Z')}`;
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description={`Solid arrows carry events; dotted arrows are reads and writes. Numbers are of the last hour, and of queues the current ones${readAt ?? ''}. Attempts are those of DeliverBatch and DeliverTask together.`}
        >
          Architecture
        </Header>
      }
    >
      <SpaceBetween size="l">
        {error !== undefined && <Failure error={error} onRetry={reload} />}
        {errors.map((one) => (
          <Failure key={one} error={one} onRetry={reload} />
        ))}
        <Container disableContentPaddings>
          <Diagram {...props} />
        </Container>
        {isLocal && <LocalSwitches onChange={reload} />}
        <Arrows {...props} />
        <Parts {...props} />
      </SpaceBetween>
    </ContentLayout>
  );
}

function nameOf(id: NodeId): string {
  return DIAGRAM_NODES[id].label[0];
}

function Arrows({ edgeNumbers: numbers }: DiagramProps): ReactNode {
  const names = (ids: readonly NodeId[]) => ids.map(nameOf).join(', ');
  return (
    <Table
      header={<Header variant="h2">Arrows</Header>}
      ariaLabels={{ tableLabel: 'Arrows' }}
      wrapLines
      trackBy={(id) => id}
      items={EDGE_IDS}
      columnDefinitions={[
        { id: 'from', header: 'From', isRowHeader: true, cell: (id) => names(DIAGRAM_EDGES[id].from) },
        { id: 'to', header: 'To', cell: (id) => names(DIAGRAM_EDGES[id].to) },
        {
          id: 'what',
          header: 'What',
          cell: (id) => DIAGRAM_EDGES[id].label.join(' ') || 'messages',
        },
        { id: 'number', header: 'Number', cell: (id) => numbers[id] ?? '' },
      ]}
    />
  );
}

function Parts({ nodeNumbers: numbers }: DiagramProps): ReactNode {
  return (
    <Table
      header={<Header variant="h2">Parts</Header>}
      ariaLabels={{ tableLabel: 'Parts' }}
      wrapLines
      trackBy={(id) => id}
      items={NODE_IDS}
      columnDefinitions={[
        {
          id: 'part',
          header: 'Part',
          isRowHeader: true,
          cell: (id) => (
            <span id={rowId(id)} tabIndex={-1}>
              {nameOf(id)}
            </span>
          ),
        },
        { id: 'kind', header: 'Kind', cell: (id) => DIAGRAM_NODES[id].label[1] ?? DIAGRAM_NODES[id].kind },
        { id: 'number', header: 'Number', cell: (id) => numbers[id] ?? '' },
        { id: 'details', header: 'Details', cell: (id) => <DetailsOf id={id} /> },
      ]}
    />
  );
}

function DetailsOf({ id }: { readonly id: NodeId }): ReactNode {
  const { stageName, navigate } = useConsole();
  const details = detailsOf(id);
  if (details === undefined) return undefined;
  if ('words' in details) return <Box variant="code">{commandText(details.words, stageName)}</Box>;
  const { page } = details;
  return (
    <Link
      href={page}
      ariaLabel={`${nameOf(id)}: ${page}`}
      onFollow={(event) => {
        event.preventDefault();
        navigate(page);
      }}
    >
      {page}
    </Link>
  );
}
