import type { OwnOutcome } from './own-events.ts';

/** One line of the demo's table. */
export interface Row {
  readonly name: string;
  readonly outcome: string;
  readonly isExpected: boolean;
  readonly expected: string;
}

/** The table as text; below a line with another outcome is the expected one. */
export function formatTable(rows: readonly Row[]): string {
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .map(({ name, outcome, isExpected, expected }) => {
      const line = `${isExpected ? 'ok  ' : 'FAIL'}  ${name.padEnd(nameWidth)}  ${outcome}`;
      return isExpected ? line : `${line}\n${' '.repeat(nameWidth + 8)}expected: ${expected}`;
    })
    .join('\n');
}

/** The outcomes of the user's events as text. */
export function formatOwnOutcomes(outcomes: readonly OwnOutcome[]): string {
  const header = ['line', 'event type', 'integration', 'webhook', 'outcome'];
  const rows = outcomes.map(({ line, eventType, integrationId, webhookId, outcome }) => [
    String(line),
    eventType,
    integrationId,
    webhookId,
    outcome,
  ]);
  const table = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
