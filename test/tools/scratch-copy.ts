import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyMutants, type Mutant } from './mutation-points.ts';
import { describeTest, type JestRun, runJest } from './run-jest.ts';
import { ROOT, runProgram } from './run-program.ts';

/** A copy of a checkout, with its uncommitted files. Mutants are applied only here. */
export class ScratchCopy {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'mutants-')));
  constructor(checkout: string) {
    const listed = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: checkout, encoding: 'utf8' });
    for (const file of new Set(listed.split('\0'))) {
      const from = join(checkout, file);
      // The times too: npm's hooks compare package-lock.json with what is installed.
      if (file !== '' && existsSync(from)) cpSync(from, join(this.directory, file), { preserveTimestamps: true });
    }
    const installed = [checkout, ROOT].map((each) => join(each, 'node_modules')).find((each) => existsSync(each));
    if (installed === undefined) throw new Error(`no node_modules in ${checkout}`);
    const modules = join(this.directory, 'node_modules');
    try {
      execFileSync('cp', ['-al', installed, modules], { stdio: 'ignore' });
    } catch {
      // Hard links do not cross file systems.
      rmSync(modules, { recursive: true, force: true });
      execFileSync('cp', ['-a', installed, modules]);
    }
    // A program that writes into a linked file would change the checkout's too.
    rmSync(join(modules, '.cache'), { recursive: true, force: true });
    mkdirSync(join(modules, '.cache'));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  get log(): string {
    return join(this.directory, 'mutants.log');
  }

  /** Runs `work` with the mutants applied. Their files are as before afterwards. */
  async with<T>(mutants: readonly Mutant[], work: () => Promise<T>): Promise<T> {
    const originals: [string, string][] = [];
    for (const [file, group] of Map.groupBy(mutants, (mutant) => join(this.directory, mutant.file))) {
      const text = readFileSync(file, 'utf8');
      originals.push([file, text]);
      writeFileSync(file, applyMutants(text, group));
    }
    try {
      return await work();
    } finally {
      for (const [file, text] of originals) writeFileSync(file, text);
    }
  }

  /** Checks only what is deployed: a mutant that breaks a test's types is a mutant. */
  async typesAreValid(): Promise<boolean> {
    const config = { extends: './tsconfig.json', include: ['bin', 'lib', 'lambdas'] };
    writeFileSync(join(this.directory, 'mutants.tsconfig.json'), JSON.stringify(config));
    const args = ['node_modules/typescript/bin/tsc', '-p', 'mutants.tsconfig.json', '--incremental'];
    args.push('--tsBuildInfoFile', 'node_modules/.cache/mutants.tsbuildinfo');
    const { status } = await runProgram(process.execPath, args, { cwd: this.directory, log: this.log });
    return status === 0;
  }

  /** Bundles the functions and synthesizes the stage that the end-to-end tests run. */
  async synthesize(): Promise<boolean> {
    // A mutant may never end.
    const options = { cwd: this.directory, log: this.log, timeoutMs: 300_000 };
    const { status } = await runProgram('npm', ['run', '-s', 'synth:local'], options);
    return status === 0;
  }

  jest(args: readonly string[], timeoutMs?: number): Promise<JestRun> {
    const options = { cwd: this.directory, log: this.log, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return runJest(['--cacheDirectory=node_modules/.cache/jest', '--passWithNoTests', ...args], options);
  }

  /** Runs jest, then once more the files that failed. Only what fails both times has failed. */
  async jestTwice(args: readonly string[], timeoutMs: number): Promise<JestRun> {
    const run = await this.jest(args, timeoutMs);
    const files = [...new Set(run.failed.map(({ file }) => file))];
    if (run.green || run.timedOut || files.includes('')) return run;
    const again = await this.jest(['--runTestsByPath', ...files], timeoutMs);
    if (again.timedOut) return again;
    const names = new Set(again.failed.map(describeTest));
    return { ...run, failed: run.failed.filter((test) => names.has(describeTest(test))) };
  }
}
