import { alignColumns, oneLine } from '../shared/format.ts';
import type { Finding } from './finding.ts';

/** Each finding in a line, in one table; what mends it in a line of its own below. */
export function describeFindings(findings: readonly Finding[]): string {
  const rows = findings.map(({ answer, what, is }) => [answer, what, oneLine(is)]);
  const lines = alignColumns(rows).split('\n');
  return lines.flatMap((line, index) => [line, ...mendLine(findings[index])]).join('\n');
}

function mendLine(finding: Finding | undefined): string[] {
  return finding?.mend === undefined ? [] : [`     ${oneLine(finding.mend)}`];
}

/** The sum of it. */
export function describeSum(findings: readonly Finding[], stageName: string): string {
  const count = (asked: Finding['answer']) => findings.filter(({ answer }) => answer === asked).length;
  const [noes, unknowns] = [count('no'), count('?')];
  if (noes + unknowns === 0) return `stage ${stageName} is ready for its first event`;
  const words = [noes > 0 ? `${noes} × no` : [], unknowns > 0 ? `${unknowns} × not known` : []].flat();
  return `stage ${stageName} is not ready yet (${words.join(', ')})`;
}

export function isReady(findings: readonly Finding[]): boolean {
  return findings.every(({ answer }) => answer === 'yes');
}
