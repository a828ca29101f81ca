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
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { blocksOf, takeStep } from './guide-steps.ts';

// The types take seconds, and many times that where two cores are shared with others.
jest.setTimeout(60_000);

const ROOT = join(import.meta.dirname, '../..');
const blocks = blocksOf(readFileSync(join(ROOT, 'docs/adding-an-event-type.md'), 'utf8'));
const steps = blocks.filter(({ language }) => language === 'ts');
const EVENT_TYPES = 'lambdas/contract/event-types';

/** What is no source of the project. */
const LEFT_OUT = ['.git', '.venv', 'cdk.out', 'coverage', 'node_modules'];

let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'another-event-type-'));
  for (const name of readdirSync(ROOT).filter((one) => !LEFT_OUT.includes(one))) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const step of steps) takeStep(step, copy);
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** The files of a directory that are the project's sources, from there. */
function sourcesIn(directory: string): string[] {
  return globSync('**', { cwd: directory, exclude: ({ name }) => LEFT_OUT.includes(name), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)));
}

/** A program's output, run in the copy. @throws Error with all that it said where it fails */
async function run(program: string, ...words: readonly string[]): Promise<string> {
  const child = spawn(program, words, {
    cwd: copy,
    env: {
      ...process.env,
      // The project's Node, not an older one of the machine.
      PATH: [dirname(process.execPath), join(copy, 'node_modules/.bin'), process.env.PATH].join(delimiter),
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

/** What a command of the guide runs: npm would first look whether the modules, which are the project's own, are to be renewed. */
function withoutNpm(code: string): string {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return code.trimEnd().replaceAll(/^npm run -s (\S+) --/gm, (_, name) => scripts[name]);
}

/** The commands that contain a text, and what the guide says that they print. */
function shown(command: string): { readonly code: string; readonly output: string } {
  const index = blocks.findIndex(({ language, code }) => language === 'sh' && code.includes(command));
  const [{ code } = { code: '' }, output] = blocks.slice(index, index + 2);
  if (index < 0 || output?.language !== '') throw new Error(`the guide shows no output of ${command}`);
  return { code: withoutNpm(code), output: output.code.trim() };
}

test('touches one folder', () => {
  const isAsBefore = (file: string) =>
    existsSync(join(ROOT, file)) && readFileSync(join(copy, file)).equals(readFileSync(join(ROOT, file)));
  const changed = sourcesIn(copy).filter((file) => !isAsBefore(file));
  expect(changed.toSorted()).toEqual([
    `${EVENT_TYPES}/course-certificate.ts`,
    `${EVENT_TYPES}/event-types.ts`,
    `${EVENT_TYPES}/lead/lead-types.ts`,
  ]);
});

test('leaves types and lint clean', async () => {
  const config = { extends: './tsconfig.json', include: ['lambdas'] };
  writeFileSync(join(copy, 'tsconfig.sources.json'), JSON.stringify(config));
  expect(await run('tsc', '--project', 'tsconfig.sources.json')).toBe('');
  await run('biome', 'check', '--error-on-warnings', EVENT_TYPES);
});

test('has the new kind tried as the guide shows', async () => {
  const { code, output } = shown('retry-schedule');
  expect(await run('sh', '-euc', code)).toContain(`\n${output}\n`);
});

/** What the pipeline makes of each line of `events.jsonl`, as the guide's table has it. */
const ACCEPT_EVENTS = `
  import { readFileSync } from 'node:fs';
  import { acceptEvent } from './lambdas/domain/accept-event.ts';
  import { readIntegrations } from './lambdas/domain/integrations.ts';
  const book = readIntegrations(readFileSync('integrations.json', 'utf8'), undefined);
  const minutesUntil = ({ send_at }, { occurred_at }) => (Date.parse(send_at) - Date.parse(occurred_at)) / 60_000;
  const outcomeOf = (line) => {
    const { verdict, subject, reason } = acceptEvent(line, book, Date.now());
    if (verdict !== 'accepted') return 'events dead letter: ' + reason;
    return subject.send_at ? 'after ' + minutesUntil(subject, JSON.parse(line)) + ' minutes: 200' : '200';
  };
  const lines = readFileSync('events.jsonl', 'utf8').trim().split('\\n');
  console.log(JSON.stringify(lines.map(outcomeOf)));
`;

test('has good events accepted, for their time, and faulty ones refused by the field', async () => {
  const { code, output } = shown('demo');
  const [, ...rows] = output.split('\n');
  await run('sh', '-euc', code.slice(0, code.lastIndexOf('EOF\n') + 4));
  const outcomes: string[] = JSON.parse(await run('node', '--input-type=module', '-e', ACCEPT_EVENTS));
  expect(rows.map((row) => row.split(/ {2,}/).at(-1))).toEqual(outcomes);
});
