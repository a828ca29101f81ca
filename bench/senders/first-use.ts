import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { BUNDLE_OPTIONS } from '../../lib/bundle-options.ts';
import { CLIENTS, type Client } from './clients.ts';

/** What a function would have to load before its first webhook. `fetch` is loaded by Node when it is first called. */
const FIRST_USE: Readonly<Record<Client, string>> = {
  'node:https': `import { Agent } from 'node:https'; new Agent({ keepAlive: true });`,
  fetch: `await fetch('data:,');`,
  undici: `import { Pool } from 'undici'; new Pool('https://localhost');`,
};

/** A bundled module for each client, which loads it and is then ready to send. */
export async function writeFirstUses(directory: string): Promise<ReadonlyMap<Client, string>> {
  const files = new Map<Client, string>();
  for (const client of CLIENTS) {
    const file = join(directory, `${client.replace(':', '-')}.mjs`);
    const stdin = { contents: FIRST_USE[client], resolveDir: import.meta.dirname, loader: 'js' } as const;
    const { outputFiles } = await build({ ...BUNDLE_OPTIONS, stdin, write: false });
    writeFileSync(file, outputFiles[0]?.contents ?? '');
    files.set(client, file);
  }
  return files;
}
