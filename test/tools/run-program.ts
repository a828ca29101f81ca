import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The checkout that this tool belongs to. */
export const ROOT = resolve(import.meta.dirname, '../..');

export type ProgramRun = { readonly status: number | null; readonly seconds: number; readonly timedOut: boolean };

const running = new Set<ChildProcess>();

/** Runs a program in a process group of its own. Its output goes to the log file. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, log, timeoutMs, env }: { cwd: string; log: string; timeoutMs?: number; env?: NodeJS.ProcessEnv },
): Promise<ProgramRun> {
  const output = openSync(log, 'a');
  const began = performance.now();
  const child = spawn(program, args, {
    cwd,
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
  });
  closeSync(output);
  running.add(child);
  let timedOut = false;
  const timer = timeoutMs === undefined ? undefined : setTimeout(timeOut, timeoutMs);
  function timeOut(): void {
    timedOut = true;
    endGroup(child);
  }
  const { promise, resolve: ended, reject } = Promise.withResolvers<number | null>();
  child.on('exit', ended).on('error', reject);
  const status = await promise.finally(() => {
    clearTimeout(timer);
    running.delete(child);
  });
  return { status, seconds: Math.round((performance.now() - began) / 100) / 10, timedOut };
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Ctrl-C ends what runs, then calls `cleanUp`. A program in its own group does not receive the terminal's signal. */
export function onInterrupt(cleanUp: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      for (const child of running) endGroup(child);
      cleanUp();
      process.exit(130);
    });
  }
}

/** Identifies the content of a checkout's files, committed or not: the same files have the same id. */
export function treeId(checkout: string): string {
  const scratch = mkdtempSync(join(tmpdir(), 'tree-'));
  const git = (env: NodeJS.ProcessEnv, ...args: readonly string[]) =>
    execFileSync('git', args, { cwd: checkout, encoding: 'utf8', env: { ...process.env, ...env } }).trim();
  try {
    // Neither the checkout's index nor its object store changes.
    const env = {
      GIT_INDEX_FILE: join(scratch, 'index'),
      GIT_OBJECT_DIRECTORY: scratch,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(checkout, git({}, 'rev-parse', '--git-path', 'objects')),
    };
    git(env, 'add', '--all');
    return git(env, 'write-tree');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The records of a JSON lines file. A line that an interruption cut off is left out. */
export function readRecords<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as T];
      } catch {
        return [];
      }
    });
}

export function appendRecord(file: string, record: object): void {
  mkdirSync(dirname(file), { recursive: true });
  // A line that was cut off must not take this one with it.
  const cutOff = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8'));
  appendFileSync(file, `${cutOff ? '\n' : ''}${JSON.stringify(record)}\n`);
}
