import { expect, test } from '@jest/globals';
import { refusedOf, withStage } from '../../../commands/console/command-words.ts';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);

test.each([
  ['integration pause acme'],
  ['integration pause --all'],
  ['flag percent 50 --dry-run'],
  ['flag pilot add 0f5b'],
  ['ledger close wh_123456 --as cancelled --reason done'],
  ['replay --error --dead'],
  ['redrive'],
])('%s is run', (line) => expect(refusedOf(line.split(' '))).toBeUndefined());

test.each([
  ['ledger forget --user-id 1', 'ledger forget'],
  ['ledger', 'ledger'],
  ['integration', 'integration'],
  ['integration add --id x', 'integration add'],
  ['partner-kit', 'partner-kit'],
  ['console', 'console'],
  ['--help', '--help'],
  ['--stage prod replay', '--stage prod'],
  ['replays', 'replays'],
  ['replay --stage prod', '--stage'],
  ['replay --stage=prod', '--stage=prod'],
  ['replay --all --yes', '--yes'],
  ['replay -- wh_123456', '--'],
  ['replay --all --', '--'],
  ['integration rotate acme --show-secret', '--show-secret'],
  ['integration next-certificate acme --certificate-file /etc/passwd', '--certificate-file'],
  ['integration next-certificate acme --key-file=/etc/passwd', '--key-file=/etc/passwd'],
  ['flag enable --file x', '--file'],
  ['reconcile --sample=x', '--sample=x'],
])('%s is refused', (line, refused) => expect(refusedOf(line.split(' '))).toBe(refused));

test('words that hold spaces are words, and not a command', () => {
  expect(refusedOf(['integration pause', 'acme'])).toBe('integration pause acme');
  expect(refusedOf([''])).toBe('');
  expect(refusedOf([])).toBe('');
});

/** What `./ltw` prints of a command: its help. */
async function helpOf(words: readonly string[]): Promise<string> {
  const printed: string[] = [];
  const terminal = { ...world.context.terminal, print: (text: string) => void printed.push(text) };
  await runProgram([...words, '--help'], { ...world.context, terminal });
  return printed.join('\n');
}

/** Each command that the program has and the page may run, by its words. */
async function allowedCommands(words: readonly string[] = []): Promise<readonly (readonly string[])[]> {
  const help = await helpOf(words);
  const names = [...help.matchAll(/^ {2}([a-z-]+)(?: \[options\]| [<[]| {2})/gm)].map(([, name = '']) => name);
  const commands = names.filter(
    (name) => name !== 'help' && !help.includes(`Usage: ./ltw ${[...words, name].join(' ')} `),
  );
  if (!/\[command\]/.test(help)) return refusedOf(words) === undefined ? [words] : [];
  const found = [];
  for (const name of new Set(commands)) found.push(...(await allowedCommands([...words, name])));
  return found;
}

test('of all commands that the page may run, no option that reads a file or shows a secret is allowed', async () => {
  const commands = await allowedCommands();
  expect(commands.map((words) => words.join(' '))).toEqual(
    expect.arrayContaining(['flag pilot add', 'integration next-certificate', 'rejected redrive', 'warm-cache']),
  );
  for (const words of commands) {
    const options = [...(await helpOf(words)).matchAll(/^ {2}(-[^ ,]+)(?:, (--\S+))? *(<[^>]+>)?/gm)];
    for (const [, short = '', , value = ''] of options) {
      // Options have long names only, and Commander takes no abbreviation of them.
      expect([words, short]).toEqual([words, expect.stringMatching(/^(--[a-z-]+|-h)$/)]);
      if (/file|secret|path|directory/.test(`${short} ${value}`) && short !== '--keep-secret')
        expect([words, short, refusedOf([...words, short])]).toEqual([words, short, short]);
    }
  }
});

test.each([
  ['--sta', '--sta=prod'],
  ['-s', '-sprod'],
])('%s is no abbreviation of --stage', async (_, word) => {
  await expect(runProgram(['replay', '--all', word], world.context)).rejects.toThrow(/^unknown option/);
});

test('--stage comes before all other options: one without its value does not take it', async () => {
  expect(withStage(['replay'], 'prod')).toEqual(['replay', '--stage', 'prod']);
  expect(withStage(['replay', 'wh_1', '--rate', '5'], 'prod')).toEqual([
    ...['replay', 'wh_1', '--stage', 'prod', '--rate', '5'],
  ]);
  const words = withStage(['replay', '--all', '--error'], 'prod');
  await expect(runProgram(words, world.context)).rejects.toThrow("option '--error <text>' argument missing");
});
