/** Commands that the page may run, each by its first words. Others are for a terminal. */
const ALLOWED: readonly string[] = [
  'flag',
  'integration change-credentials',
  'integration pause',
  'integration resume',
  'integration rotate',
  'integration next-certificate',
  'integration switch-certificate',
  'ledger close',
  'reconcile',
  'redrive',
  'rejected redrive',
  'replay',
  'rollout check',
  'send-test',
  'warm-cache',
];

/**
 * Options that the page may not give, as `--name` or `--name=value`: another stage, files of this machine, secrets on the
 * page, and the answer to a question that the page asks. `--` ends the options, so that `--stage` would not be one.
 */
const REFUSED = /^--(|stage|file|[^=]*-file|sample|show-secret|yes)(=|$)/;

/** What the console does not run, of a command line without `./ltw`. Undefined if it runs it. */
export function refusedOf(words: readonly string[]): string | undefined {
  const isAllowed = ALLOWED.some((command) => command.split(' ').every((word, index) => words[index] === word));
  return isAllowed ? words.find((word) => REFUSED.test(word)) : words.slice(0, 2).join(' ');
}

/** The words with `--stage`, before all other options: one whose value is missing would take it for its value. */
export function withStage(words: readonly string[], stageName: string): string[] {
  const found = words.findIndex((word) => word.startsWith('-'));
  const at = found < 0 ? words.length : found;
  return [...words.slice(0, at), '--stage', stageName, ...words.slice(at)];
}
