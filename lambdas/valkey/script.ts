import { createHash } from 'node:crypto';
import type { ValkeyClient } from './client.ts';

/** A Lua script that touches one key: a cluster refuses a script over several slots. */
export interface Script {
  readonly text: string;
  readonly hash: string;
}

export function scriptOf(text: string): Script {
  return { text, hash: createHash('sha1').update(text).digest('hex') };
}

/** Runs a script on one key: one round trip, and a second one if the server has not cached the script yet. */
export async function runScript(
  client: ValkeyClient,
  { text, hash }: Script,
  key: string,
  args: readonly string[],
): Promise<unknown> {
  try {
    return await client.evalsha(hash, 1, key, ...args);
  } catch (thrown) {
    if (!String((thrown as { message?: unknown }).message).startsWith('NOSCRIPT')) throw thrown;
    return client.eval(text, 1, key, ...args);
  }
}
