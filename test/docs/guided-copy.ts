import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Block, blocksOf, takeStep } from './guide-steps.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What is no source of the project. */
const LEFT_OUT = ['.git', '.venv', 'cdk.out', 'coverage', 'node_modules'];

/** A page that a developer has followed. */
export interface FollowedGuide {
  readonly text: string;
  /** Files that its steps added or changed: paths from the root, sorted. */
  readonly changedFiles: readonly string[];
  /** Its commands that contain a text, to run with `sh -euc`, and the output that it shows after them. */
  shown(command: string): { readonly code: string; readonly output: string };
}

/** A copy of the project in which every step of some guides was taken. */
export interface GuidedCopy {
  /** Follows a file of docs/. @throws Error if a step cannot be taken */
  follow(guide: string): FollowedGuide;
  /** The lines of one file. */
  linesOf(file: string): readonly string[];
  /** A program's output. @throws Error with all that it printed, if it fails */
  run(program: string, ...words: readonly string[]): Promise<string>;
  /** @throws Error with the compiler's faults in the sources and the given test files */
  checkTypes(...testFiles: readonly string[]): Promise<void>;
  remove(): void;
}

export function copyProject(): GuidedCopy {
  const directory = mkdtempSync(join(tmpdir(), 'guided-copy-'));
  for (const name of readdirSync(ROOT).filter((one) => !LEFT_OUT.includes(one))) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const run = (program: string, ...words: readonly string[]) => runIn(directory, program, words);
  return {
    follow(guide) {
      const text = readFileSync(join(ROOT, 'docs', guide), 'utf8');
      const blocks = blocksOf(text);
      const files = blocks.filter(({ language }) => language === 'ts').map((step) => takeStep(step, directory));
      return {
        text,
        changedFiles: [...new Set(files)].toSorted(),
        shown: (command) => shownIn(guide, blocks, command),
      };
    },
    linesOf: (file) => readFileSync(join(directory, file), 'utf8').trim().split('\n'),
    run,
    async checkTypes(...testFiles) {
      const include = ['lambdas', 'commands', 'local', ...testFiles];
      writeFileSync(join(directory, 'tsconfig.sources.json'), JSON.stringify({ extends: './tsconfig.json', include }));
      await run('tsc', '--project', 'tsconfig.sources.json');
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

async function runIn(directory: string, program: string, words: readonly string[]): Promise<string> {
  const child = spawn(program, words, {
    cwd: directory,
    env: {
      ...process.env,
      // The project's Node, not an older one of the machine.
      PATH: [dirname(process.execPath), join(directory, 'node_modules/.bin'), process.env.PATH].join(delimiter),
      NODE_OPTIONS: '',
      NODE_COMPILE_CACHE: join(directory, 'cdk.out/compile-cache'),
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
  const index = blocks.findIndex(({ language, code }) => language === 'sh' && withoutNpm(code).includes(command));
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
