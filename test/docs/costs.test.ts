import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const COSTS = readFileSync('docs/costs.md', 'utf8');

/** Rows of the table after a heading: the numbers in their last columns. */
function amountsAfter(
  heading: string,
  columns: number,
): { readonly name: string; readonly amounts: readonly number[] }[] {
  const section = COSTS.slice(COSTS.indexOf(`## ${heading}`)).split(/\n## /)[0] ?? '';
  const [table = ''] = /(?:^\|.*\n)+/m.exec(section) ?? [];
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) => row.split('|').map((cell) => cell.trim().replaceAll('*', '')))
    .map((cells) => ({ name: cells[1] ?? '', amounts: cells.slice(-columns - 1, -1).map(Number) }));
}

describe('docs/costs.md', () => {
  test.each([
    ['At rest', 3, 'a month'],
    ['By use: a million events', 1, 'a million events'],
  ] as const)('%s: the rows add up to the total', (heading, columns, name) => {
    const rows = amountsAfter(heading, columns);
    const total = rows.pop();
    expect(total?.name).toBe(name);
    for (let column = 0; column < columns; column += 1) {
      const sum = rows.reduce((all, { amounts }) => all + (amounts[column] as number), 0);
      expect(sum).toBeCloseTo(total?.amounts[column] as number, 2);
    }
  });

  test('a million events cost at most $18.00, and the text says what the table says', () => {
    const rows = amountsAfter('By use: a million events', 1);
    const amounts = new Map(rows.map(({ name, amounts: [amount] }) => [name, amount as number]));
    const total = amounts.get('a million events') as number;
    expect(total).toBeLessThanOrEqual(18);
    const ledger = [...amounts].filter(([name]) => name.startsWith('ledger:')).reduce((sum, [, one]) => sum + one, 0);
    expect(COSTS).toContain(`The ledger is the largest part, $${ledger.toFixed(2)}`);
    expect(readFileSync('docs/scale.md', 'utf8')).toContain(`$${total.toFixed(2)} a million events`);
  });
});
