/** The command line that does what a button does, for a person to paste. */
export function commandText(words: readonly string[], stageName: string): string {
  return ['./ltw', ...words, '--stage', stageName].map(quoted).join(' ');
}

/** As a POSIX shell reads it. */
function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
