import { formatNumber } from './format.ts';

/** How wide the bar is, in characters. */
const WIDTH = 20;

/** The interval between redraws on a terminal, and between lines elsewhere, in milliseconds. */
const REDRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 10_000;

/** What is over sooner needs no bar, in milliseconds. */
const FIRST_AFTER_MS = 500;

const ERASE_REST_OF_LINE = '\u001b[K';

export interface ProgressBar {
  /** How many are done by now. */
  report(done: number): void;
  /** Leaves the last of it standing; whatever is printed next begins on a line of its own. */
  end(): void;
}

/** A stream that may be a terminal's. */
export type ProgressOutput = Pick<NodeJS.WritableStream, 'write'> & { readonly isTTY?: boolean };

export interface ProgressBarOptions {
  /** Undefined if the total is unknown: a count is shown instead of a bar. */
  readonly total?: number | undefined;
  /** What is counted, after the number: `items read`. */
  readonly unit?: string;
  /** Standard error where nothing else is said, so that standard output can be kept in a file. */
  readonly output?: ProgressOutput;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** `[#####               ] 256 of 1,000  50/s` on one line of a terminal; elsewhere a line now and then. */
export function createProgressBar({
  total,
  unit,
  output = process.stderr,
  now = Date.now,
}: ProgressBarOptions = {}): ProgressBar {
  const isTerminal = output.isTTY === true;
  const startMs = now();
  let dueMs = startMs + (isTerminal ? FIRST_AFTER_MS : LINE_EVERY_MS);
  let isShown = false;
  let last = 0;

  const show = () => {
    const words = formatProgress(last, total, unit, now() - startMs);
    output.write(isTerminal ? `\r${barOf(last, total)}${words}${ERASE_REST_OF_LINE}` : `${words}\n`);
    isShown = true;
  };
  return {
    report(done) {
      last = done;
      if (now() < dueMs) return;
      dueMs = now() + (isTerminal ? REDRAW_EVERY_MS : LINE_EVERY_MS);
      show();
    },
    end() {
      if (!isShown) return;
      show();
      if (isTerminal) output.write('\n');
      isShown = false;
    },
  };
}

function barOf(done: number, total: number | undefined): string {
  if (total === undefined || total === 0) return '';
  const filled = Math.min(WIDTH, Math.floor((done / total) * WIDTH));
  return `[${'#'.repeat(filled).padEnd(WIDTH)}] `;
}

/** Its rate is the average since the beginning. */
function formatProgress(done: number, total: number | undefined, unit: string | undefined, elapsedMs: number): string {
  const counted = total === undefined ? formatNumber(done) : `${formatNumber(done)} of ${formatNumber(total)}`;
  const perSecond = elapsedMs <= 0 ? 0 : (done * 1000) / elapsedMs;
  const rate = perSecond < 10 ? perSecond.toFixed(1) : formatNumber(Math.round(perSecond));
  return `${counted}${unit === undefined ? '' : ` ${unit}`}  ${rate}/s`;
}
