/** One line of the demo's table. */
export interface Row {
  readonly name: string;
  readonly outcome: string;
  readonly isExpected: boolean;
  readonly expected: string;
}

/** The table as text; a line that is not as expected says below what was. */
export function formatTable(rows: readonly Row[]): string {
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .map(({ name, outcome, isExpected, expected }) => {
      const line = `${isExpected ? 'ok  ' : 'FAIL'}  ${name.padEnd(nameWidth)}  ${outcome}`;
      return isExpected ? line : `${line}\n${' '.repeat(nameWidth + 8)}expected: ${expected}`;
    })
    .join('\n');
}
