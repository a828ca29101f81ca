import { describe, expect, test } from '@jest/globals';
import { arrowhead } from '../../../console/architecture/geometry.ts';
import {
  BOXES,
  type Box,
  HEIGHT,
  LINE_HEIGHT,
  type Point,
  ROUTES,
  WIDTH,
} from '../../../console/architecture/layout.ts';
import { edgeNumbers } from '../../../console/architecture/numbers.ts';
import { DIAGRAM_EDGES, EDGE_IDS, NODE_IDS } from '../../../docs/architecture-diagram.ts';
import { BUSY } from './sample-numbers.ts';

/** Mean width of a character at 12 units, a little more than Open Sans has. */
const CHARACTER_WIDTH = 6.2;

/** Height of a line of text above its baseline. */
const ASCENT = 10;

const NUMBERS = edgeNumbers(BUSY);

interface Area extends Box {
  readonly name: string;
}

const boxes: readonly Area[] = NODE_IDS.map((id) => ({ name: id, ...BOXES[id] }));

const texts: readonly Area[] = EDGE_IDS.map((id) => {
  const { x, y, anchor } = ROUTES[id].text;
  const number = NUMBERS[id];
  const lines = [...DIAGRAM_EDGES[id].label, ...(number === undefined ? [] : [number])];
  const width = Math.max(...lines.map(({ length }) => length)) * CHARACTER_WIDTH;
  const left = { start: x, middle: x - width / 2, end: x - width }[anchor];
  return { name: id, x: left, y: y - ASCENT, width, height: ASCENT + (lines.length - 1) * LINE_HEIGHT };
});

/** Each straight part of an arrow, as an area of no width or no height. */
const lines: readonly Area[] = EDGE_IDS.flatMap((id) =>
  ROUTES[id].lines.flatMap((points) =>
    points.slice(1).map(([toX, toY], index) => {
      const [fromX, fromY] = points[index] as Point;
      const [x, y] = [Math.min(fromX, toX), Math.min(fromY, toY)];
      return { name: id, x, y, width: Math.abs(toX - fromX), height: Math.abs(toY - fromY) };
    }),
  ),
);

function overlaps(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

/** `one over other` for each pair that overlaps. */
function overlapping(some: readonly Area[], others: readonly Area[]): string[] {
  return some.flatMap((one) =>
    others.filter((other) => other !== one && overlaps(one, other)).map((other) => `${one.name} over ${other.name}`),
  );
}

describe('the layout', () => {
  test('has all parts and texts within the drawing', () => {
    const outside = [...boxes, ...texts, ...lines].filter(
      ({ x, y, width, height }) => x < 0 || y < 0 || x + width > WIDTH || y + height > HEIGHT,
    );
    expect(outside.map(({ name }) => name)).toEqual([]);
  });

  test('has no part over a part', () => {
    expect(overlapping(boxes, boxes)).toEqual([]);
  });

  test('has no text over a part or over another text, with the numbers of a busy hour', () => {
    expect(overlapping(texts, [...boxes, ...texts])).toEqual([]);
  });

  test('has no line through a part', () => {
    expect(overlapping(lines, boxes)).toEqual([]);
  });

  test('has no line through a text', () => {
    expect(overlapping(lines, texts)).toEqual([]);
  });

  test('has horizontal and vertical lines only, which do not lie on each other', () => {
    expect(lines.filter(({ width, height }) => width > 0 && height > 0)).toEqual([]);
    const thick = lines.map((line) =>
      line.width > 0 ? { ...line, y: line.y - 2, height: 4 } : { ...line, x: line.x - 2, width: 4 },
    );
    const horizontal = thick.filter(({ height }) => height === 4);
    const vertical = thick.filter(({ width }) => width === 4);
    const ofOthers = (some: readonly Area[]) =>
      overlapping(some, some).filter((pair) => new Set(pair.split(' over ')).size > 1);
    expect([...ofOthers(horizontal), ...ofOthers(vertical)]).toEqual([]);
  });

  test.each(EDGE_IDS)('leads %s from its parts to its parts', (id) => {
    const { from, to } = DIAGRAM_EDGES[id];
    const { lines: own, heads } = ROUTES[id];
    const touching = ([x, y]: Point) =>
      NODE_IDS.filter((node) => {
        const one = BOXES[node];
        return x >= one.x && x <= one.x + one.width && y >= one.y && y <= one.y + one.height;
      });
    const ends = own.flatMap((points) => [points[0] as Point, points.at(-1) as Point]);
    expect(new Set(ends.flatMap(touching))).toEqual(new Set([...from, ...to]));
    expect(new Set(heads.flatMap(touching))).toEqual(new Set(to));
    for (const head of heads) expect(() => arrowhead(own, head)).not.toThrow();
  });
});

test('an arrowhead points where its line goes', () => {
  const down: readonly Point[] = [
    [10, 0],
    [10, 50],
  ];
  const left: readonly Point[] = [
    [90, 20],
    [40, 20],
  ];
  expect(arrowhead([left, down], [10, 50])).toBe('10,50 14.5,41 5.5,41');
  expect(arrowhead([left, down], [40, 20])).toBe('40,20 49,15.5 49,24.5');
  expect(() => arrowhead([down], [10, 0])).toThrow('no line ends at 10,0');
});
