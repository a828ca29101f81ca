import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withStage } from '../../commands/console/command-words.ts';
import { commandText } from '../../console/command-text.ts';

/** The words that a shell makes of a line, without its program. */
function wordsOf(line: string): string[] {
  const printed = execFileSync('sh', ['-c', `set -- ${line}; printf '%s\\0' "$@"`], { encoding: 'utf8' });
  return printed.split('\0').slice(1, -1);
}

test('plain words are not quoted', () => {
  expect(commandText(['integration', 'pause', 'acme'], 'prod')).toBe('./ltw integration pause acme --stage prod');
  expect(commandText(['replay', 'wh_1', '--rate', '5'], 'prod')).toBe('./ltw replay wh_1 --stage prod --rate 5');
});

test.each([
  '',
  ' ',
  "it's",
  '$(id)',
  '`id`',
  '"',
  '\\',
  '*',
  '~',
  '=ls',
  ';id',
  '&',
  '#x',
  '!!',
  'a\nb',
  '-x',
  '{a,b}',
  "'",
])('a shell reads %j as one word', (word) =>
  expect(wordsOf(commandText(['ledger', 'close', '--reason', word], 'local'))).toEqual(
    withStage(['ledger', 'close', '--reason', word], 'local'),
  ),
);

test('whatever the words are, a shell reads those that the console runs', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string().filter((word) => !word.includes('\0')),
        { minLength: 1, maxLength: 5 },
      ),
      (words) => {
        expect(wordsOf(commandText(words, 'prod'))).toEqual(withStage(words, 'prod'));
      },
    ),
    { numRuns: 50 },
  );
});
