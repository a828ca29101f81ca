import { alignColumns, oneLine } from '../shared/format.ts';

/** One line of the preflight. */
export interface Finding {
  /** `?` where it could not be checked. */
  readonly verdict: 'yes' | 'no' | '?';
  readonly what: string;
  /** The state, or why it is not known. Never a secret's value. */
  readonly is: string;
  /** How to fix it or to find out: a command to paste where there is one. */
  readonly remedy?: string;
}

export function yes(what: string, is: string): Finding {
  return { verdict: 'yes', what, is };
}

export function no(what: string, is: string, remedy: string): Finding {
  return { verdict: 'no', what, is, remedy };
}

export function unknown(what: string, is: string, remedy?: string): Finding {
  return { verdict: '?', what, is, ...(remedy !== undefined && { remedy }) };
}

/** A table with one line for each finding, and its remedy on a line below. */
export function formatFindings(findings: readonly Finding[]): string {
  const rows = findings.map(({ verdict, what, is }) => [verdict, what, oneLine(is)]);
  const lines = alignColumns(rows).split('\n');
  return lines.flatMap((line, index) => [line, ...remedyLine(findings[index])]).join('\n');
}

function remedyLine(finding: Finding | undefined): string[] {
  return finding?.remedy === undefined ? [] : [`     ${oneLine(finding.remedy)}`];
}

/** A finding as its JSON document has it. */
export function findingFields({ verdict, what, is, remedy }: Finding) {
  const verdicts = { yes: 'yes', no: 'no', '?': 'unknown' } as const;
  return { check: what, verdict: verdicts[verdict], finding: oneLine(is), ...(remedy !== undefined && { remedy }) };
}

/** Whether the stage is ready, and the number of findings that say no. */
export function formatSummary(findings: readonly Finding[], stageName: string): string {
  const count = (asked: Finding['verdict']) => findings.filter(({ verdict }) => verdict === asked).length;
  const [noes, unknowns] = [count('no'), count('?')];
  if (noes + unknowns === 0) return `stage ${stageName} is ready for its first event`;
  const words = [noes > 0 ? `${noes} × no` : [], unknowns > 0 ? `${unknowns} × not known` : []].flat();
  return `stage ${stageName} is not ready yet (${words.join(', ')})`;
}

export function isReady(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict === 'yes');
}
