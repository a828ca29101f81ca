import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly body: string | Uint8Array;
  /** Its name changes with its content. */
  readonly isImmutable: boolean;
}

/** Finds a file by the path of its URL. @returns undefined if there is none */
export type PageFiles = (path: string) => Promise<PageFile | undefined>;

/** Files of the bundle have paths that begin with it. Other paths without a file's ending are addresses within the page. */
const ASSETS = '/assets/';

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  woff2: 'font/woff2',
  svg: 'image/svg+xml',
};

/**
 * Serves the page of `console/`. It is bundled on the first request, unless the cache has the bundle of the same sources.
 *
 * The files are not compressed: over loopback that takes longer than it saves. They are few, and not split by page: a bundle
 * of all components takes a browser 0.1 s longer than one of the first page.
 *
 * @param root the directory that has `console/` and the lock file of its packages
 * @returns files; the promise rejects if the page cannot be bundled
 */
export function openPageFiles(
  root: string = ROOT,
  cacheFile: string = join(root, 'node_modules/.cache/ltw/console-page.json'),
): PageFiles {
  let bundled: Promise<ReadonlyMap<string, Uint8Array>> | undefined;
  const load = () => {
    bundled ??= loadBundle(root, cacheFile).catch((thrown: unknown) => {
      bundled = undefined;
      throw new Error(`the page cannot be bundled: ${(thrown as Error).message}`, { cause: thrown });
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
    return path.includes('.')
      ? undefined
      : { type: 'text/html', body: indexHtml(join(root, 'console/index.html'), files), isImmutable: false };
  };
}

/**
 * Names the files by path and digest: whatever program had this port before may have left others in the browser's cache under
 * the same paths.
 */
function indexHtml(file: string, files: ReadonlyMap<string, Uint8Array>): string {
  const find = (ending: string) => {
    const [name, body] =
      [...files].find(([name]) => name.startsWith('main-') && name.endsWith(ending)) ?? (['', ''] as const);
    return `"${ASSETS}${name}" integrity="sha256-${createHash('sha256').update(body).digest('base64')}"`;
  };
  return readFileSync(file, 'utf8')
    .replace('"main.css"', () => find('.css'))
    .replace('"main.tsx"', () => find('.js'));
}

const cacheSchema = z.object({
  /** Digest of each file that was bundled, by its path in the repository; of packages, that of the lock file. */
  inputs: z.record(z.string(), z.string()),
  /** Base64, by name. */
  files: z.record(z.string(), z.string()),
});

async function loadBundle(root: string, cacheFile: string): Promise<ReadonlyMap<string, Uint8Array>> {
  return readCache(root, cacheFile) ?? bundle(root, cacheFile);
}

/** Undefined if nothing is cached, or a source has changed. */
function readCache(root: string, cacheFile: string): ReadonlyMap<string, Uint8Array> | undefined {
  try {
    const { inputs, files } = cacheSchema.parse(JSON.parse(readFileSync(cacheFile, 'utf8')));
    for (const [path, digest] of Object.entries(inputs)) if (digestOf(root, path) !== digest) return undefined;
    return new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text, 'base64')]));
  } catch {
    return undefined;
  }
}

/** Bundles the page, and caches it until a source changes. */
async function bundle(root: string, cacheFile: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const { build, stop } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'console/main.tsx')],
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
  }).finally(stop); // Its process would keep 100 MB.
  const files = new Map(outputFiles.map(({ path, contents }) => [path.split('/').at(-1) ?? '', contents]));
  const own = Object.keys(metafile.inputs).filter((path) => !path.startsWith('node_modules/'));
  const inputs = ['package-lock.json', relative(root, fileURLToPath(import.meta.url)), ...own];
  writeCache(root, cacheFile, inputs, files);
  return files;
}

function writeCache(
  root: string,
  cacheFile: string,
  paths: readonly string[],
  files: ReadonlyMap<string, Uint8Array>,
): void {
  const document: z.infer<typeof cacheSchema> = {
    inputs: Object.fromEntries(paths.map((path) => [path, digestOf(root, path)])),
    files: Object.fromEntries([...files].map(([name, body]) => [name, Buffer.from(body).toString('base64')])),
  };
  const draft = `${cacheFile}.${process.pid}`;
  try {
    mkdirSync(dirname(cacheFile), { recursive: true });
    try {
      // Written and renamed, so that no reader sees a partial file.
      writeFileSync(draft, JSON.stringify(document));
      renameSync(draft, cacheFile);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch {
    // Without a cache the page is bundled at each start.
  }
}

function digestOf(root: string, path: string): string {
  return createHash('sha256')
    .update(readFileSync(join(root, path)))
    .digest('base64');
}
