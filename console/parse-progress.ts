/** What a progress bar of the CLI says. */
export interface ParsedProgress {
  /** 0 to 100. Undefined if the total is unknown. */
  readonly percent: number | undefined;
  /** `256 of 1,000`, `1,200 rows read` */
  readonly text: string;
  /** `50/s`; empty if it is not said. */
  readonly rate: string;
}

const PROGRESS = /^\s*(?<done>[\d,]+)(?: of (?<total>[\d,]+))?(?<unit>[^\d]*?)(?: {2}(?<rate>[\d.,]+\/s))?\s*$/;

/** Reads the progress that a command writes to its terminal: `256 of 1,000  50/s`. Other words stay as they are. */
export function parseProgress(text: string): ParsedProgress {
  const { done, total, unit = '', rate = '' } = PROGRESS.exec(text)?.groups ?? {};
  if (done === undefined) return { percent: undefined, text: text.trim(), rate: '' };
  const all = total === undefined ? 0 : numberOf(total);
  const percent = all > 0 ? Math.min(100, (numberOf(done) / all) * 100) : undefined;
  return { percent, text: `${done}${total === undefined ? '' : ` of ${total}`}${unit}`, rate };
}

function numberOf(text: string): number {
  return Number(text.replaceAll(',', ''));
}
