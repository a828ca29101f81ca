const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Round times that a tick may name, in order, each with its text. */
const ROUND_TIMES: readonly (readonly [ms: number, text: string])[] = [
  [0, '0'],
  [SECOND_MS, '1 s'],
  [5 * SECOND_MS, '5 s'],
  [15 * SECOND_MS, '15 s'],
  [MINUTE_MS, '1 min'],
  [5 * MINUTE_MS, '5 min'],
  [15 * MINUTE_MS, '15 min'],
  [HOUR_MS, '1 h'],
  [3 * HOUR_MS, '3 h'],
  [8 * HOUR_MS, '8 h'],
  [DAY_MS, '1 d'],
  [3 * DAY_MS, '3 d'],
  [10 * DAY_MS, '10 d'],
  [30 * DAY_MS, '30 d'],
];

export interface Tick {
  readonly ms: number;
  readonly text: string;
  readonly position: number;
}

/** A time axis on which seconds, minutes and hours are readable together. */
export interface TimeAxis {
  /** The place of a time after the start, from 0 to the width. */
  position(ms: number): number;
  /** Round times, from left to right. */
  readonly ticks: readonly Tick[];
}

export interface TimeAxisOptions {
  /** The time at the right end, in milliseconds after the start. */
  readonly endMs: number;
  readonly width: number;
  /** The least distance of two ticks, so that their texts do not overlap. */
  readonly tickDistance: number;
}

/** The axis is logarithmic from about a second on; a logarithm alone would have no place for 0. */
export function createTimeAxis({ endMs, width, tickDistance }: TimeAxisOptions): TimeAxis {
  const scale = (ms: number) => Math.log1p(ms / SECOND_MS);
  const end = scale(Math.max(endMs, SECOND_MS));
  const position = (ms: number) => Math.min(Math.max(scale(Math.max(ms, 0)) / end, 0), 1) * width;
  const ticks: Tick[] = [];
  for (const [ms, text] of ROUND_TIMES) {
    const tick = { ms, text, position: position(ms) };
    const before = ticks.at(-1);
    const isApart = before === undefined || tick.position - before.position >= tickDistance;
    if (ms <= Math.max(endMs, SECOND_MS) && isApart) ticks.push(tick);
  }
  return { position, ticks };
}
