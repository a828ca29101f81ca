import { spawnSync } from 'node:child_process';
import { describeWithPart } from './optional-part.ts';

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

/** Tests that need it, from Debian's package `prometheus`. */
export function describeWithPromtool(title: string, tests: () => void): void {
  const { error, status } = spawnSync('promtool', ['--version'], { timeout: LIMIT_MS });
  const isThere = error === undefined && status === 0;
  describeWithPart(title, isThere ? undefined : `no promtool: ${error?.message ?? `it ends with ${status}`}`, tests);
}
