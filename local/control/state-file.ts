import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** Commands never leave this machine, whatever the file contains. */
const loopbackUrl = z.string().regex(/^http:\/\/127\.0\.0\.1:\d{1,5}$/);

const stateSchema = z.object({
  /** Of the process that runs the platform. */
  pid: z.int().positive(),
  /** URL for commands. */
  control: loopbackUrl,
  /** Offset of its clock to the real one, in milliseconds. */
  clock_offset_ms: z.int().nonnegative(),
  /** For SDK clients: `AWS_ENDPOINT_URL_<SERVICE>` by name. */
  endpoints: z.record(z.string().regex(/^AWS_ENDPOINT_URL_[A-Z_]+$/), loopbackUrl),
  /** The template's, resolved. */
  outputs: z.record(z.string(), z.string()),
});

/** Data of `npm start` for `npm run local` and for the operator's commands. */
export type PlatformState = z.infer<typeof stateSchema>;

/** The message is one line for the user. */
export class NotRunning extends Error {
  override readonly name = 'NotRunning';
}

/** Path of the state file. `LOCAL_PLATFORM_FILE` names another one, for a second platform. */
export function stateFile(): string {
  return (
    process.env.LOCAL_PLATFORM_FILE || fileURLToPath(new URL('../../cdk.out/local-platform.json', import.meta.url))
  );
}

/** @throws NotRunning if there is none, it is invalid, or its process has ended */
export function readState(file: string): PlatformState {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new NotRunning('no platform is running: "npm start" starts one');
  }
  const state = parseState(text);
  if (state === undefined) {
    throw new NotRunning(`${file} is not what "npm start" writes: end the platform, if one runs, and delete the file`);
  }
  if (!lives(state.pid)) {
    throw new NotRunning(`the platform has ended without saying so (process ${state.pid}): "npm start" starts another`);
  }
  return state;
}

export function writeState(file: string, state: PlatformState): void {
  mkdirSync(dirname(file), { recursive: true });
  // Written and renamed, so that no reader sees a partial file.
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** Removes the file if it still belongs to this process. */
export function removeState(file: string): void {
  try {
    if (parseState(readFileSync(file, 'utf8'))?.pid === process.pid) rmSync(file);
  } catch {
    // Already removed.
  }
}

function parseState(text: string): PlatformState | undefined {
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // EPERM: the process exists, but belongs to another user.
    return (thrown as { code?: string }).code === 'EPERM';
  }
}
