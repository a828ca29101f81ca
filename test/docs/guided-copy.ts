import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Block, blocksOf, takeStep } from './guide-steps.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What is no source of the project. */
const LEFT_OUT = ['.git', '.venv', 'cdk.out', 'coverage', 'node_modules'];

/** A copy of the project in which every step of a guide was taken. */
export interface GuidedCopy {
  /** Files that differ from the project's, or are new: paths from the root, sorted. */
  changedFiles(): readonly string[];
  /** The text of one file. */
  read(file: string): string;
  /** A program's output. @throws Error with all that it printed, if it fails */
  run(program: string, ...words: readonly string[]): Promise<string>;
  /** @throws Error with the compiler's faults in the sources and the given test files */
  checkTypes(...testFiles: readonly string[]): Promise<void>;
  /** The guide's commands that contain a text, to run with `sh -euc`, and the output that the guide shows after them. */
  shown(command: string): { readonly code: string; readonly output: string };
  remove(): void;
}

/** @param guide a file of docs/ */
export function followGuide(guide: string): GuidedCopy {
  const blocks = blocksOf(readFileSync(join(ROOT, 'docs', guide), 'utf8'));
  const directory = mkdtempSync(join(tmpdir(), 'guided-copy-'));
  for (const name of readdirSync(ROOT).filter((one) => !LEFT_OUT.includes(one))) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  for (const step of blocks.filter(({ language }) => language === 'ts')) takeStep(step, directory);
  const read = (file: string) => readFileSync(join(directory, file), 'utf8');
  const run = (program: string, ...words: readonly string[]) => runIn(directory, program, words);
  return {
    read,
    run,
    changedFiles: () => sourcesIn(directory).filter((file) => !isAsBefore(file, read(file))),
    async checkTypes(...testFiles) {
      const include = ['lambdas', 'commands', 'local', ...testFiles];
      writeFileSync(join(directory, 'tsconfig.sources.json'), JSON.stringify({ extends: './tsconfig.json', include }));
      await run('tsc', '--project', 'tsconfig.sources.json');
    },
    shown: (command) => shownIn(guide, blocks, command),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function sourcesIn(directory: string): string[] {
  return globSync('**', { cwd: directory, exclude: ({ name }) => LEFT_OUT.includes(name), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)))
    .toSorted();
}

function isAsBefore(file: string, now: string): boolean {
  return existsSync(join(ROOT, file)) && readFileSync(join(ROOT, file), 'utf8') === now;
}

async function runIn(directory: string, program: string, words: readonly string[]): Promise<string> {
  const child = spawn(program, words, {
    cwd: directory,
    env: {
      ...process.env,
      // The project's Node, not an older one of the machine.
      PATH: [dirname(process.execPath), join(directory, 'node_modules/.bin'), process.env.PATH].join(delimiter),
      NODE_OPTIONS: '',
      TZ: 'UTC',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} ends with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

function shownIn(guide: string, blocks: readonly Block[], command: string) {
  const index = blocks.findIndex(({ language, code }) => language === 'sh' && code.includes(command));
  const [{ code } = { code: '' }, output] = blocks.slice(index, index + 2);
  if (index < 0 || output?.language !== '') throw new Error(`docs/${guide} shows no output of ${command}`);
  return { code: withoutNpm(code), output: output.code.trim() };
}

/** npm would first check whether the modules, which are the project's own, must be installed again. */
function withoutNpm(code: string): string {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return code
    .trimEnd()
    .replaceAll(/^npm run -s (\S+) --/gm, (_, name) => scripts[name])
    .replaceAll(/^\.\/ltw /gm, 'node commands/main.ts ');
}
