import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const page = readFileSync('docs/requirements.md', 'utf8');
const rows = [...page.matchAll(/^\| ([TFWS]\d+) \| (.+) \| (.+) \|$/gm)].map(([, number = '', , where = '']) => ({
  number,
  where,
}));
const numbers = rows.map(({ number }) => number);

describe('docs/requirements.md', () => {
  test('numbers the requirements of each document without a gap', () => {
    const letters = [...new Set(numbers.map(([letter]) => letter))];
    const expected = letters.flatMap((letter) =>
      numbers.filter((number) => number.startsWith(String(letter))).map((_, index) => `${letter}${index + 1}`),
    );
    expect(numbers).toEqual(expected);
  });

  test('links where each is implemented, but for what is not to be done', () => {
    expect(rows.filter(({ where }) => !where.includes('](')).map(({ number }) => number)).toEqual(['T17']);
  });
});

test('requirements that the repository cites exist', () => {
  const folders = ['bench', 'bin', 'client', 'commands', 'docs', 'lambdas', 'lib', 'local', 'test'];
  const files = ['README.md', ...globSync(folders.map((folder) => `${folder}/**/*.{ts,md,py,js}`))];
  // One number or several: T9, T12 and W6.
  const citation = /requirements?\s+(?:[*/]+\s+)?((?:[A-Z]\d+(?:, | and | to )?)+)/gi;
  const cited = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(citation)].flatMap(([, list = '']) =>
      (list.match(/[A-Z]\d+/g) ?? []).map((number) => ({ file, number })),
    ),
  );
  expect(cited.length).toBeGreaterThan(0);
  expect(cited.filter(({ number }) => !numbers.includes(number))).toEqual([]);
});
