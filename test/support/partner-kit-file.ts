import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/**
 * Runs the file `partner-kit.mjs` as a partner does: in its directory, which is outside the clone, without our environment.
 *
 * @param node the program
 * @param directory has the file
 */
export async function runOutsideClone(node: string, directory: string, words: readonly string[]) {
  const child = spawn(node, ['partner-kit.mjs', ...words], {
    cwd: directory,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}
