import { LEFT_WORDS, RESULT_WORDS } from '../../commands/replay/result-words.ts';

/** Deliveries of one integration in one state that a dry run found. */
export interface DryRunRow {
  readonly integration: string;
  readonly state: string;
  readonly deliveries: string;
}

export interface DryRun {
  readonly rows: readonly DryRunRow[];
  /** How many would be replayed: those in flight would not. */
  readonly toReplay: number;
}

/** Reads what `replay --dry-run` prints. @returns undefined where it found none */
export function parseDryRun(output: string): DryRun | undefined {
  const lines = output.split('\n');
  const [, toReplay] = lines.map((line) => /^([\d,]+) deliver(?:y|ies) of /.exec(line)).find((match) => match) ?? [];
  if (toReplay === undefined) return undefined;
  const rows = lines.flatMap((line) => {
    const [, integration, state, deliveries] = /^(\S+) +(\S+) +([\d,]+)$/.exec(line) ?? [];
    return integration && state && deliveries ? [{ integration, state, deliveries }] : [];
  });
  return { rows, toReplay: Number(toReplay.replaceAll(',', '')) };
}

/** One result of a replay, with how many deliveries had it. */
export interface ReplayOutcome {
  readonly result: 'replayed' | keyof typeof RESULT_WORDS | 'left';
  readonly words: string;
  readonly deliveries: string;
  /** The ids of the first of them, where they were not replayed. */
  readonly examples: readonly string[];
}

export interface ReplayReport {
  readonly outcomes: readonly ReplayOutcome[];
  /** Why it ended early; empty if it did not. */
  readonly failure: string;
}

const MEANINGS: Readonly<Record<string, ReplayOutcome['result']>> = {
  ...Object.fromEntries(Object.entries(RESULT_WORDS).map(([result, words]) => [words, result])),
  [LEFT_WORDS]: 'left',
};

/** Reads what `replay` prints at its end. @returns undefined where nothing was replayed, and the output says why */
export function parseReplay(output: string): ReplayReport | undefined {
  const lines = output.split('\n');
  const start = lines.findIndex((line) => /^replayed [\d,]+ of [\d,]+$/.test(line));
  if (start < 0) return undefined;
  const [, replayed = ''] = /^replayed ([\d,]+)/.exec(lines[start] ?? '') ?? [];
  const outcomes: (Omit<ReplayOutcome, 'examples'> & { readonly examples: string[] })[] = [
    { result: 'replayed', words: 'sent to the deliveries queue', deliveries: replayed, examples: [] },
  ];
  let failure = '';
  for (const line of lines.slice(start + 1)) {
    const [, deliveries = '', words = ''] = /^([\d,]+) (.*)$/.exec(line) ?? [];
    const [, example] = /^ {2}(wh_\S+)$/.exec(line) ?? [];
    const [, early] = /^It ended early: (.*)$/.exec(line) ?? [];
    const result = MEANINGS[words];
    if (result !== undefined) outcomes.push({ result, words, deliveries, examples: [] });
    else if (example !== undefined) outcomes.at(-1)?.examples.push(example);
    else if (early !== undefined) failure = early;
  }
  return { outcomes, failure };
}
