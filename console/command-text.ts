import { withStage } from '../commands/console/command-words.ts';

/** The command line that does what a button does, for a person to paste. */
export function commandText(words: readonly string[], stageName: string): string {
  return ['./ltw', ...withStage(words, stageName)].map(quoted).join(' ');
}

/** As a POSIX shell reads it. */
function quoted(word: string): string {
  return /^[\w./:@%+-][\w./:=,@%+-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
