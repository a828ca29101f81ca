import type { Point } from './layout.ts';

/** Of an arrowhead, in units of the drawing. */
const LENGTH = 9;
const HALF_WIDTH = 4.5;

/** The corners of the arrowhead at the end of a line. @throws Error if no line ends there */
export function arrowhead(lines: readonly (readonly Point[])[], [x, y]: Point): string {
  const line = lines.find((points) => points.at(-1)?.[0] === x && points.at(-1)?.[1] === y);
  const [fromX, fromY] = line?.at(-2) ?? [];
  if (fromX === undefined || fromY === undefined) throw new Error(`no line ends at ${x},${y}`);
  const [dx, dy] = [Math.sign(x - fromX), Math.sign(y - fromY)];
  const [baseX, baseY] = [x - dx * LENGTH, y - dy * LENGTH];
  const corners = [
    [x, y],
    [baseX + dy * HALF_WIDTH, baseY + dx * HALF_WIDTH],
    [baseX - dy * HALF_WIDTH, baseY - dx * HALF_WIDTH],
  ];
  return corners.map((corner) => corner.join(',')).join(' ');
}
