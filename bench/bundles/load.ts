import { execFileSync } from 'node:child_process';

/** Load time of a module in a new process, in ms: the part of a cold start after Node's own. */
export interface Loaded {
  readonly elapsedMs: number;
  /** Additional time for importing a second module. */
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

/** @throws Error if it cannot be loaded */
export function loadFresh(file: string, then = ''): Loaded {
  const args = ['--input-type=module', '-e', SCRIPT, file, then];
  const env = { PATH: process.env.PATH, AWS_REGION: 'us-east-1', SNOWFLAKE_DISABLE_MINICORE: 'true' };
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] }),
  );
}
