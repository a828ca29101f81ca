import { globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

test('requirements that the repository cites exist', () => {
  const page = readFileSync('docs/requirements.md', 'utf8');
  const numbers = [...page.matchAll(/^\| ([TFWS]\d+) \| /gm)].map(([, number]) => number);
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
