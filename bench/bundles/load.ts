import { execFileSync } from 'node:child_process';

/** How long a fresh process takes for a module, in ms: what a cold start waits for after Node itself is up. */
export interface Loaded {
  readonly elapsedMs: number;
  /** What importing a second module adds then. */
  readonly thenMs: number;
}

const SCRIPT = `
  const [first, second] = process.argv.slice(1);
  const startedAtMs = performance.now();
  await import(first);
  const loadedAtMs = performance.now();
  if (second) await import(second);
  console.log(JSON.stringify({ elapsedMs: loadedAtMs - startedAtMs, thenMs: performance.now() - loadedAtMs }));
`;

/** @throws Error where it cannot be loaded */
export function loadFresh(file: string, then = ''): Loaded {
  const args = ['--input-type=module', '-e', SCRIPT, file, then];
  const env = { PATH: process.env.PATH, AWS_REGION: 'us-east-1', SNOWFLAKE_DISABLE_MINICORE: 'true' };
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] }),
  );
}
