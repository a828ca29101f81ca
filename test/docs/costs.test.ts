import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const numbers = (cells: readonly string[]) => cells.map((cell) => cell.replaceAll('*', '').trim()).map(Number);

test.each([
  ['At rest', 3],
  ['By use: a million events', 1],
])('the table "%s" of docs/costs.md adds up to its last row', (heading, columns) => {
  const [, section = ''] = readFileSync('docs/costs.md', 'utf8').split(`\n## ${heading}\n`);
  const [table = ''] = section.match(/(?:^\|.*\n)+/m) ?? [];
  const rows = table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) => numbers(row.split('|').slice(-1 - columns, -1)));
  const total = rows.pop();
  const sums = Array.from({ length: columns }, (_, column) =>
    rows.reduce((sum, row) => sum + (row[column] as number), 0),
  );
  expect(sums.map((sum) => sum.toFixed(2))).toEqual(total?.map((value) => value.toFixed(2)));
});
