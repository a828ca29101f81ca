import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCE = join(ROOT, 'console');
const CACHE_FILE = join(ROOT, 'node_modules/.cache/ltw/console-page.json');

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly body: string | Uint8Array;
  /** Its name changes with its content. */
  readonly isImmutable: boolean;
}

/** Finds a file by the path of its URL. @returns undefined if there is none */
export type PageFiles = (path: string) => Promise<PageFile | undefined>;

/** Paths that begin with one of these are shown by the page itself. */
const ASSETS = '/assets/';

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  woff2: 'font/woff2',
  svg: 'image/svg+xml',
};

/** Serves the page of `console/`, which is bundled on the first request and after each change. */
export function openPageFiles(): PageFiles {
  let bundled: Promise<ReadonlyMap<string, Uint8Array>> | undefined;
  const load = () => {
    bundled ??= loadBundle().catch((thrown: unknown) => {
      bundled = undefined;
      throw thrown;
    });
    return bundled;
  };
  return async (path) => {
    const files = await load();
    if (path.startsWith(ASSETS)) {
      const name = path.slice(ASSETS.length);
      const body = files.get(name);
      return (
        body && { type: TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream', body, isImmutable: true }
      );
    }
    // Every other path without a file's ending is an address within the page.
    return path.includes('.')
      ? undefined
      : { type: 'text/html', body: indexHtml([...files.keys()]), isImmutable: false };
  };
}

function indexHtml(names: readonly string[]): string {
  const find = (ending: string) => names.find((name) => name.startsWith('main-') && name.endsWith(ending)) ?? '';
  return readFileSync(join(SOURCE, 'index.html'), 'utf8')
    .replace('main.css', () => `${ASSETS}${find('.css')}`)
    .replace('main.tsx', () => `${ASSETS}${find('.js')}`);
}

const cacheSchema = z.object({
  /** Digest of each file that was bundled, by its path in the repository; of packages, that of the lock file. */
  inputs: z.record(z.string(), z.string()),
  /** Base64, by name. */
  files: z.record(z.string(), z.string()),
});

async function loadBundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  return readCache() ?? bundle();
}

/** Undefined if nothing is cached, or a source has changed. */
function readCache(): ReadonlyMap<string, Uint8Array> | undefined {
  try {
    const { inputs, files } = cacheSchema.parse(JSON.parse(readFileSync(CACHE_FILE, 'utf8')));
    for (const [path, digest] of Object.entries(inputs)) if (digestOf(path) !== digest) return undefined;
    return new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text, 'base64')]));
  } catch {
    return undefined;
  }
}

/** Bundles the page, and caches it until a source changes. */
async function bundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(SOURCE, 'main.tsx')],
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    publicPath: ASSETS,
    outdir: 'out',
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    jsx: 'automatic',
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.woff': 'file', '.woff2': 'file', '.svg': 'dataurl', '.png': 'dataurl' },
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [path.split('/').at(-1) ?? '', contents]));
  const own = Object.keys(metafile.inputs).filter((path) => !path.startsWith('node_modules/'));
  const inputs = ['package-lock.json', relative(ROOT, fileURLToPath(import.meta.url)), ...own];
  writeCache(inputs, files);
  return files;
}

function writeCache(paths: readonly string[], files: ReadonlyMap<string, Uint8Array>): void {
  const document: z.infer<typeof cacheSchema> = {
    inputs: Object.fromEntries(paths.map((path) => [path, digestOf(path)])),
    files: Object.fromEntries([...files].map(([name, body]) => [name, Buffer.from(body).toString('base64')])),
  };
  const draft = `${CACHE_FILE}.${process.pid}`;
  try {
    mkdirSync(join(CACHE_FILE, '..'), { recursive: true });
    // Written and renamed, so that no reader sees a partial file.
    writeFileSync(draft, JSON.stringify(document));
    renameSync(draft, CACHE_FILE);
  } catch {
    // Without a cache the page is bundled at each start.
    rmSync(draft, { force: true });
  }
}

function digestOf(path: string): string {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, path)))
    .digest('base64');
}
