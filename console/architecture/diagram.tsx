import './diagram.css';
import type { ReactNode } from 'react';
import {
  DIAGRAM_EDGES,
  DIAGRAM_NODES,
  EDGE_IDS,
  type EdgeId,
  NODE_IDS,
  type NodeId,
  type NodeKind,
} from '../../docs/architecture-diagram.ts';
import { useConsole } from '../console-context.ts';
import { detailsOf } from './details.ts';
import { arrowhead } from './geometry.ts';
import { BOXES, HEIGHT, LINE_HEIGHT, type Point, ROUTES, WIDTH } from './layout.ts';

export interface DiagramProps {
  readonly edgeNumbers: Readonly<Partial<Record<EdgeId, string>>>;
  readonly nodeNumbers: Readonly<Partial<Record<NodeId, string>>>;
}

/** The fragment of the row that has a part's details. */
export function rowId(id: NodeId): string {
  return `part-${id}`;
}

/** Corner radius by kind, so that the kinds differ by shape as well. */
const RADIUS: Readonly<Record<NodeKind, number>> = { function: 4, queue: 23, workflow: 14, store: 14, other: 0 };

/** Above and below the drawing. */
const MARGIN = 8;

/** The containers with their numbers. Each part is a link to its details; the table below it has the same in text. */
export function Diagram({ edgeNumbers, nodeNumbers }: DiagramProps): ReactNode {
  return (
    <div className="diagram">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be in an SVG */}
      <svg
        viewBox={`0 ${-MARGIN} ${WIDTH} ${HEIGHT + 2 * MARGIN}`}
        role="group"
        aria-labelledby="diagram-title"
        aria-describedby="diagram-description"
      >
        <title id="diagram-title">Architecture of the pipeline</title>
        <desc id="diagram-description">
          The parts of the pipeline and the arrows between them, with current numbers. The tables below have the same.
        </desc>
        <g>
          {EDGE_IDS.map((id) => (
            <Arrow key={id} id={id} number={edgeNumbers[id]} />
          ))}
        </g>
        {NODE_IDS.map((id) => (
          <Part key={id} id={id} number={nodeNumbers[id]} />
        ))}
      </svg>
    </div>
  );
}

function Arrow({ id, number }: { readonly id: EdgeId; readonly number: string | undefined }): ReactNode {
  const { kind, label } = DIAGRAM_EDGES[id];
  const { lines, heads, joints, text } = ROUTES[id];
  const texts = number === undefined ? label : [...label, number];
  return (
    <g className={`arrow arrow-${kind}`}>
      <path d={lines.map(pathOf).join('')} />
      {heads.map((head) => (
        <polygon key={String(head)} points={arrowhead(lines, head)} />
      ))}
      {joints.map(([x, y]) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r={3} />
      ))}
      <text textAnchor={text.anchor}>
        {texts.map((line, index) => (
          <tspan
            key={line}
            x={text.x}
            y={text.y + index * LINE_HEIGHT}
            {...(index >= label.length && { className: 'number' })}
          >
            {line}
          </tspan>
        ))}
      </text>
    </g>
  );
}

function Part({ id, number }: { readonly id: NodeId; readonly number: string | undefined }): ReactNode {
  const { navigate } = useConsole();
  const { kind, label } = DIAGRAM_NODES[id];
  const { x, y, width, height } = BOXES[id];
  const [name, ...rest] = label;
  const details = number === undefined ? rest : [number];
  const [middle, centre] = [x + width / 2, y + height / 2];
  const content = (
    <>
      <rect {...{ x, y, width, height }} rx={RADIUS[kind]} />
      <text className="part-name" textAnchor="middle" x={middle} y={centre + (details.length === 0 ? 5 : -3)}>
        {kind === 'function' ? `${name} λ` : name}
      </text>{' '}
      {details.map((line) => (
        <text
          key={line}
          textAnchor="middle"
          x={middle}
          y={centre + 14}
          {...(line === number && { className: 'number' })}
        >
          {line}
        </text>
      ))}
    </>
  );
  const found = detailsOf(id);
  if (found === undefined) return <g className="part">{content}</g>;
  if (!('page' in found)) {
    return (
      <a className="part" href={`#${rowId(id)}`}>
        {content}
      </a>
    );
  }
  const { page } = found;
  return (
    <a
      className="part"
      href={page}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        navigate(page);
      }}
    >
      {content}
    </a>
  );
}

function pathOf(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('');
}
