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
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Receipt } from '../../local/demo/partner.ts';
import { blocksOf, takeStep } from './guide-steps.ts';

// It synthesizes a stage and runs it.

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
  const config = { extends: './tsconfig.json', include: ['lambdas', 'commands', 'local'] };
  writeFileSync(join(copy, 'tsconfig.sources.json'), JSON.stringify(config));
  expect(await run('tsc', '--project', 'tsconfig.sources.json')).toBe('');
  await run('biome', 'check', '--error-on-warnings', EVENT_TYPES);
});

test('has the new kind tried as the guide shows', async () => {
  const { code, output } = shown('retry-schedule');
  expect(await run('sh', '-euc', code)).toContain(`\n${output}\n`);
});

test('has good events delivered in their time, and faulty ones dead-lettered by the field', async () => {
  const { code, output } = shown('demo');
  const printed = await run('sh', '-euc', `${code} --receipts receipts.jsonl`);
  const anyId = (table: string) => table.replaceAll(/wh_[0-9a-f]{40}/g, 'wh_…');
  expect(anyId(printed)).toContain(`\n${anyId(output)}\n`);

  const events = linesOf('events.jsonl').map((line) => JSON.parse(line));
  const receipts: Receipt[] = linesOf('receipts.jsonl').map((line) => JSON.parse(line));
  const [lead, , certificate] = events;
  expect(receipts.map(({ body }) => body).toSorted()).toEqual(
    [certificate, lead].map(({ payload }) => JSON.stringify(payload)).toSorted(),
  );
  const receipt = receipts.find(({ body }) => body === JSON.stringify(lead.payload));
  const waitedMs = Date.parse(receipt?.received_at ?? '') - Date.parse(lead.occurred_at);
  expect(Math.floor(waitedMs / 60_000)).toBe(30);
});

function linesOf(file: string): string[] {
  return readFileSync(join(copy, file), 'utf8').trim().split('\n');
}
