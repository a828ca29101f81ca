import { existsSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { runProgram } from './run-program.ts';

export type FailedTest = { readonly file: string; readonly name: string };
export type JestRun = {
  readonly green: boolean;
  readonly seconds: number;
  readonly timedOut: boolean;
  readonly failed: readonly FailedTest[];
};

/** The suites that start processes or run the bundles of `cdk.out/local`. */
export const PROCESS_SUITES = ['test/local', 'test/e2e'];

type Report = {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
};

/** Runs jest as `npm run jest` does, and names the tests that failed. */
export async function runJest(
  args: readonly string[],
  options: { cwd: string; log: string; timeoutMs?: number },
): Promise<JestRun> {
  const reportFile = `${options.log}.json`;
  rmSync(reportFile, { force: true });
  const run = await runProgram(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--json',
      `--outputFile=${reportFile}`,
      ...args,
    ],
    options,
  );
  const failed: FailedTest[] = [];
  if (existsSync(reportFile)) {
    const report: Report = JSON.parse(readFileSync(reportFile, 'utf8'));
    for (const { name, status, assertionResults } of report.testResults) {
      const file = relative(options.cwd, name);
      const tests = assertionResults.filter((test) => test.status === 'failed');
      failed.push(...tests.map(({ fullName }) => ({ file, name: fullName })));
      if (status === 'failed' && tests.length === 0) failed.push({ file, name: 'the file does not run' });
    }
    rmSync(reportFile);
  }
  const green = run.status === 0 && failed.length === 0;
  if (!green && failed.length === 0) {
    failed.push({ file: '', name: run.timedOut ? 'timeout' : `jest ended with status ${run.status}` });
  }
  return { green, seconds: run.seconds, timedOut: run.timedOut, failed };
}

export function describeTest({ file, name }: FailedTest): string {
  return file === '' ? name : `${file}: ${name}`;
}
