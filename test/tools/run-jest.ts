import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readRecords, runProgram } from './run-program.ts';

export type FailedTest = { readonly file: string; readonly name: string };
export type JestRun = {
  readonly green: boolean;
  readonly seconds: number;
  readonly timedOut: boolean;
  readonly failed: readonly FailedTest[];
};

/** The suites that start processes or run the bundles of `cdk.out/local`. */
export const PROCESS_SUITES = ['test/local', 'test/e2e'];

/** Runs jest as `npm run jest` does, and names the tests that failed, in the order in which their files ended. */
export async function runJest(
  args: readonly string[],
  options: { cwd: string; log: string; timeoutMs?: number },
): Promise<JestRun> {
  const failedTests = `${options.log}.jsonl`;
  rmSync(failedTests, { force: true });
  const run = await runProgram(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      ...args,
      // Last: jest takes a path that follows for one more reporter.
      '--reporters=default',
      `--reporters=${join(import.meta.dirname, 'failed-tests-reporter.js')}`,
    ],
    { ...options, env: { FAILED_TESTS_FILE: failedTests } },
  );
  const failed: FailedTest[] = readRecords<{ path: string; name: string }>(failedTests).map(({ path, name }) => ({
    file: relative(options.cwd, path),
    name,
  }));
  rmSync(failedTests, { force: true });
  const green = run.status === 0 && failed.length === 0;
  if (!green && failed.length === 0) {
    failed.push({ file: '', name: run.timedOut ? 'timeout' : `jest ended with status ${run.status}` });
  }
  return { green, seconds: run.seconds, timedOut: run.timedOut, failed };
}

export function describeTest({ file, name }: FailedTest): string {
  return file === '' ? name : `${file}: ${name}`;
}
