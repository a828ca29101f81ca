import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/** Output directory of the local stage's assembly. */
export const LOCAL_ASSEMBLY = fileURLToPath(new URL('../cdk.out/local', import.meta.url));

/** Name of the local stage's stack. */
export const LOCAL_STACK = 'LearningTimeWebhooks-local';

/**
 * Synthesizes the stage `local` with the CDK's command, so that the platform runs the templates of a deploy.
 *
 * @returns the assembly's directory
 * @throws Error with the command's output if it fails
 */
export async function synthesizeLocalStage(): Promise<string> {
  const cdk = fileURLToPath(new URL('../node_modules/aws-cdk/bin/cdk', import.meta.url));
  const child = spawn(process.execPath, [cdk, 'synth', '-c', 'stage=local', '--output', LOCAL_ASSEMBLY, '--quiet'], {
    cwd: REPOSITORY,
    // `node bin/app.ts` in cdk.json must find this Node, not an older one of the machine.
    env: { ...process.env, PATH: `${REPOSITORY}node_modules/.bin:${process.env.PATH}`, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += part));
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  const status = await promise;
  if (status !== 0) throw new Error(`cdk synth failed (${status}):\n${output}`);
  return LOCAL_ASSEMBLY;
}
