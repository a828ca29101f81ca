import type { EdgeId, NodeId } from '../../docs/architecture-diagram.ts';

/** In units of the drawing, of which `WIDTH` fit into its width. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Point = readonly [x: number, y: number];

/** The lines of an arrow. */
export interface Route {
  /** Each from a part, or from a joint, to a part, or to a joint. */
  readonly lines: readonly (readonly Point[])[];
  /** Ends of lines that have an arrowhead. */
  readonly heads: readonly Point[];
  /** Where lines of several parts meet. */
  readonly joints: readonly Point[];
  readonly text: TextPlace;
}

/** Where an arrow's label and number are. */
export interface TextPlace {
  readonly x: number;
  /** Of the first line's baseline. */
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

export const WIDTH = 1204;
export const HEIGHT = 776;

/** Distance of two baselines of an arrow's text. */
export const LINE_HEIGHT = 15;

const BOX_WIDTH = 140;
const BOX_HEIGHT = 46;

/** The left edges of the columns. */
const A = 12;
const B = 256;
const C = 472;
const D = 700;
const E = 1052;

function box(x: number, y: number, height = BOX_HEIGHT): Box {
  return { x, y, width: BOX_WIDTH, height };
}

/** Where each part is: an event's path goes down in column D, what waits is on its left, what is read on its right. */
export const BOXES: Readonly<Record<NodeId, Box>> = {
  re: box(A, 300),
  se: box(A, 420),
  ddlq: box(A, 700),
  wf: box(B, 380, 80),
  edlq: box(C, 196),
  et: box(C, 312, 60),
  dt: box(C, 596, 72),
  lms: box(D, 12),
  eq: box(D, 106),
  eb: box(D, 206, 92),
  dq: box(D, 400),
  db: box(D, 500, 72),
  partner: box(D, 718),
  sf: box(E, 12),
  wc: box(E, 104),
  vk: box(E, 196),
  ledger: box(E, 300),
  rec: box(E, 400),
  ac: box(E, 506),
  sm: box(E, 602),
};

const LEFT_OF_D = D;
const RIGHT_OF_D = D + BOX_WIDTH;
const RIGHT_OF_C = C + BOX_WIDTH;
const MIDDLE_OF_D = D + BOX_WIDTH / 2;

/** An arrow without a bend. */
function straight(from: Point, to: Point, text: TextPlace): Route {
  return { lines: [[from, to]], heads: [to], joints: [], text };
}

function bent(points: readonly Point[], text: TextPlace): Route {
  return { lines: [points], heads: points.slice(-1), joints: [], text };
}

/**
 * Arrows from several parts, which meet on a vertical line, to a store.
 *
 * @param x of that line
 * @param starts where they leave the parts
 * @param y where the common arrow arrives
 */
function joined(x: number, starts: readonly Point[], y: number, textY: number): Route {
  const ys = [...starts.map(([, startY]) => startY), y];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const inner = ys.filter((one) => one !== top && one !== bottom);
  return {
    lines: [
      ...starts.map(([startX, startY]): readonly Point[] => [
        [startX, startY],
        [x, startY],
      ]),
      [
        [x, top],
        [x, bottom],
      ],
      [
        [x, y],
        [E, y],
      ],
    ],
    heads: [[E, y]],
    joints: inner.map((one): Point => [x, one]),
    text: { x: E - 8, y: textY, anchor: 'end' },
  };
}

/** How each arrow goes, and where its text is. Checked by eye, and by the test for overlaps. */
export const ROUTES: Readonly<Record<EdgeId, Route>> = {
  published: straight([MIDDLE_OF_D, 58], [MIDDLE_OF_D, 106], { x: MIDDLE_OF_D - 8, y: 78, anchor: 'end' }),
  eventsWaiting: straight([MIDDLE_OF_D, 152], [MIDDLE_OF_D, 206], { x: MIDDLE_OF_D - 8, y: 184, anchor: 'end' }),
  malformed: straight([LEFT_OF_D, 219], [RIGHT_OF_C, 219], { x: 692, y: 199, anchor: 'end' }),
  enriched: straight([MIDDLE_OF_D, 298], [MIDDLE_OF_D, 400], { x: MIDDLE_OF_D - 8, y: 372, anchor: 'end' }),
  enrichedLater: bent(
    [
      [LEFT_OF_D, 291],
      [B + 64, 291],
      [B + 64, 380],
    ],
    { x: B + 72, y: 253, anchor: 'start' },
  ),
  deliveriesWaiting: straight([MIDDLE_OF_D, 446], [MIDDLE_OF_D, 500], { x: MIDDLE_OF_D - 8, y: 478, anchor: 'end' }),
  sent: straight([MIDDLE_OF_D, 572], [MIDDLE_OF_D, 718], { x: MIDDLE_OF_D + 8, y: 676, anchor: 'start' }),
  retried: bent(
    [
      [LEFT_OF_D, 516],
      [B + 100, 516],
      [B + 100, 460],
    ],
    { x: 692, y: 494, anchor: 'end' },
  ),
  dead: bent(
    [
      [LEFT_OF_D, 560],
      [190, 560],
      [190, 714],
      [A + BOX_WIDTH, 714],
    ],
    { x: 692, y: 540, anchor: 'end' },
  ),
  executions: {
    lines: [
      [
        [B + BOX_WIDTH, 410],
        [428, 410],
      ],
      [
        [428, 410],
        [428, 342],
        [C, 342],
      ],
      [
        [428, 410],
        [428, 632],
        [C, 632],
      ],
    ],
    heads: [
      [C, 342],
      [C, 632],
    ],
    joints: [[428, 410]],
    text: { x: 436, y: 414, anchor: 'start' },
  },
  sentLater: bent(
    [
      [C + 64, 668],
      [C + 64, 741],
      [LEFT_OF_D, 741],
    ],
    { x: 692, y: 733, anchor: 'end' },
  ),
  deadLater: bent(
    [
      [B + 28, 460],
      [B + 28, 734],
      [A + BOX_WIDTH, 734],
    ],
    { x: B + 36, y: 640, anchor: 'start' },
  ),
  executionFailed: {
    lines: [
      [
        [B, 400],
        [208, 400],
      ],
      [
        [208, 315],
        [208, 400],
      ],
      [
        [208, 315],
        [A + BOX_WIDTH, 315],
      ],
      [
        [208, 400],
        [208, 434],
        [A + BOX_WIDTH, 434],
      ],
    ],
    heads: [
      [A + BOX_WIDTH, 315],
      [A + BOX_WIDTH, 434],
    ],
    joints: [[208, 400]],
    text: { x: 214, y: 320, anchor: 'start' },
  },
  rescued: {
    lines: [
      [
        [A + BOX_WIDTH, 333],
        [172, 333],
        [172, 452],
      ],
      [
        [A + BOX_WIDTH, 452],
        [172, 452],
      ],
      [
        [172, 452],
        [B, 452],
      ],
    ],
    heads: [[B, 452]],
    joints: [[172, 452]],
    text: { x: B - 6, y: 482, anchor: 'end' },
  },
  notRescued: bent(
    [
      [A, 323],
      [A - 6, 323],
      [A - 6, 723],
      [A, 723],
    ],
    { x: A + 4, y: 600, anchor: 'start' },
  ),
  queries: joined(
    854,
    [
      [RIGHT_OF_D, 214],
      [RIGHT_OF_C, 330],
    ],
    35,
    12,
  ),
  cacheReads: joined(
    868,
    [
      [RIGHT_OF_D, 232],
      [RIGHT_OF_C, 350],
    ],
    208,
    186,
  ),
  tableReads: straight([E + 112, 104], [E + 112, 58], { x: E + 104, y: 85, anchor: 'end' }),
  cacheLoads: straight([E + 112, 150], [E + 112, 196], { x: E + 104, y: 170, anchor: 'end' }),
  limiter: joined(
    882,
    [
      [RIGHT_OF_D, 508],
      [RIGHT_OF_C, 604],
    ],
    232,
    248,
  ),
  ledgerWrites: joined(
    896,
    [
      [RIGHT_OF_D, 250],
      [RIGHT_OF_D, 524],
      [RIGHT_OF_C, 622],
    ],
    323,
    301,
  ),
  configuration: joined(
    910,
    [
      [RIGHT_OF_D, 268],
      [RIGHT_OF_D, 540],
      [RIGHT_OF_C, 640],
    ],
    529,
    522,
  ),
  credentials: joined(
    924,
    [
      [RIGHT_OF_D, 286],
      [RIGHT_OF_D, 556],
      [RIGHT_OF_C, 658],
    ],
    625,
    618,
  ),
  reconciled: straight([E + 112, 400], [E + 112, 346], { x: E + 104, y: 370, anchor: 'end' }),
  resent: straight([E, 423], [RIGHT_OF_D, 423], { x: E - 8, y: 401, anchor: 'end' }),
};
