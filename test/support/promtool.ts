import { spawnSync } from 'node:child_process';
import { describe } from '@jest/globals';

const LIMIT_MS = 20_000;

export interface Checked {
  readonly status: number | null;
  /** What it found fault with: nothing where all is well. */
  readonly output: string;
}

/** Runs Prometheus' own checker: `promtool <words>`, with `input` on its standard input. */
export function promtool(words: readonly string[], input = ''): Checked {
  const { status, stdout, stderr } = spawnSync('promtool', words, {
    input,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  return { status, output: `${stdout}${stderr}` };
}

/** Tests that need it, Debian's package `prometheus`. Where it is not on PATH they are skipped, under a title that says so. */
export function describeWithPromtool(title: string, tests: () => void): void {
  const { error, status } = spawnSync('promtool', ['--version'], { timeout: LIMIT_MS });
  if (error === undefined && status === 0) describe(title, tests);
  else describe.skip(`${title} (no promtool: ${error?.message ?? `it ends with ${status}`})`, tests);
}
