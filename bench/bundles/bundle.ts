import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { BUNDLE_OPTIONS } from '../../lib/bundle-options.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A bundle on disk: its entry file, and the bytes that loading it reads. */
export interface Bundle {
  readonly file: string;
  readonly bytes: number;
}

/** Bundles as in a deploy, with the stack's bundler. @param entry `enrichment/enrich-batch` */
export function bundleAsDeployed(entry: string, directory: string): Bundle {
  execFileSync(process.execPath, ['lib/bundle-functions.ts', directory, join('lambdas', `${entry}.ts`)], { cwd: ROOT });
  const file = join(directory, `${basename(entry)}.mjs`);
  return { file, bytes: bytesAtOnce(file) };
}

/** One file with everything in it, including the whole Snowflake SDK, loaded at once. */
export async function bundleEagerly(entry: string, directory: string): Promise<Bundle> {
  const file = join(directory, `${basename(entry)}-eager.mjs`);
  await build({
    ...BUNDLE_OPTIONS,
    stdin: {
      contents: `import 'snowflake-sdk';\nexport * from './lambdas/${entry}.ts';`,
      resolveDir: ROOT,
      loader: 'ts',
    },
    outfile: file,
    logLevel: 'error',
  });
  return { file, bytes: statSync(file).size };
}

/** The file and its static imports, without dynamic ones. */
function bytesAtOnce(file: string, seen = new Set<string>()): number {
  if (seen.has(file)) return 0;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  const imported = [...text.matchAll(/(?:from|import)"(\.[^"]+)"/g)].map(([, path]) =>
    join(file, '..', path as string),
  );
  return imported.reduce((bytes, each) => bytes + bytesAtOnce(each, seen), statSync(file).size);
}
