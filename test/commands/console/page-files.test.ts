import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openPageFiles, type PageFiles } from '../../../commands/console/page-files.ts';

let root: string;
let cacheFile: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'page-'));
  cacheFile = join(root, 'cache/page.json');
  write('package-lock.json', '{}');
  write('console/index.html', '<link href="main.css"><script type="module" src="main.tsx"></script>');
  write('console/main.tsx', "import './main.css'; import { text } from './text.ts'; document.title = text;");
  write('console/main.css', 'body { color: red }');
  write('console/text.ts', "export const text: string = 'the first text';");
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** The page's program, as a browser finds it. */
async function programOf(files: PageFiles): Promise<string> {
  const index = String((await files('/'))?.body);
  return String(Buffer.from((await files(/src="([^"]+)"/.exec(index)?.[1] ?? ''))?.body as Uint8Array));
}

const open = () => openPageFiles(root, cacheFile);

test('the page names its files by their content', async () => {
  const files = open();
  const index = await files('/');
  expect([index?.type, index?.isImmutable]).toEqual(['text/html', false]);
  const [, css = '', js = ''] =
    /^<link href="(\/assets\/main-\w+\.css)" [^>]+><script type="module" src="(\/assets\/main-\w+\.js)" [^>]+><\/script>$/.exec(
      String(index?.body),
    ) ?? [];
  expect(await files(css)).toMatchObject({ type: 'text/css', isImmutable: true });
  expect(await files(js)).toMatchObject({ type: 'text/javascript', isImmutable: true });
  expect(await programOf(files)).toContain('the first text');
});

test('the page takes its files with the content that they have here only', async () => {
  const files = open();
  const index = String((await files('/'))?.body);
  const named = [...index.matchAll(/="(\/assets\/[^"]+)" integrity="sha256-([^"]+)"/g)];
  expect(named).toHaveLength(2);
  for (const [, path = '', digest] of named) {
    const body = (await files(path))?.body as Uint8Array;
    expect(createHash('sha256').update(body).digest('base64')).toBe(digest);
  }
});

test.each(['/', '/deliveries', '/deliveries/wh_1', '/integrations/acme'])(
  '%s is an address within the page',
  async (path) => expect((await open()(path))?.type).toBe('text/html'),
);

test.each([
  ...['/assets/', '/assets/nothing.js', '/assets/../index.html', '/assets/..%2f..%2fpackage.json', '/favicon.ico'],
  ...['/../package.json', '/console/main.tsx', '/assets/__proto__', '/assets/main.css', '/%2e%2e/package-lock.json.'],
])('there is no file %s', async (path) => expect(await open()(path)).toBeUndefined());

test('what is bundled once is read from the cache, until a source or a package changes', async () => {
  await programOf(open());
  const cached = readFileSync(cacheFile, 'utf8');
  // The cache is what is served: its content, and not the source's.
  const { inputs, files } = JSON.parse(cached) as { inputs: object; files: Record<string, string> };
  const replaced = Object.entries(files).map(([name, text]) => {
    const program = Buffer.from(text, 'base64').toString().replace('first', 'cached');
    return [name, Buffer.from(program).toString('base64')];
  });
  writeFileSync(cacheFile, JSON.stringify({ inputs, files: Object.fromEntries(replaced) }));
  expect(await programOf(open())).toContain('the cached text');

  write('package-lock.json', '{"a":1}');
  expect(await programOf(open())).toContain('the first text');
  write('console/text.ts', "export const text: string = 'the second text';");
  expect(await programOf(open())).toContain('the second text');
  rmSync(join(root, 'console/main.css'));
  write('console/main.tsx', "import { text } from './text.ts'; document.title = text;");
  expect(await programOf(open())).toContain('the second text');
});

test.each(['', '{', '[]', '{"inputs":{},"files":{"x":1}}', '{"inputs":{"gone.ts":"x"},"files":{}}'])(
  'a cache that holds %j is written again',
  async (text) => {
    write('cache/page.json', text);
    expect(await programOf(open())).toContain('the first text');
    expect(readFileSync(cacheFile, 'utf8')).toContain('console/text.ts');
  },
);

test('where the cache cannot be written, the page is served', async () => {
  write('cache', 'a file');
  expect(await programOf(open())).toContain('the first text');
});

test('a source that cannot be bundled is an error that names it, until it is repaired', async () => {
  write('console/text.ts', 'export const text = ;');
  const files = open();
  await expect(files('/')).rejects.toThrow(
    /^the page cannot be bundled: (.|\n)*console\/text\.ts:1:20: ERROR: Unexpected ";"/,
  );
  write('console/text.ts', "export const text = 'repaired';");
  expect(await programOf(files)).toContain('repaired');
});

/** Of a browser on one of two busy cores, 1 MB of program takes about 0.2 s. */
const MAX_BYTES = { js: 2_000_000, css: 1_600_000 } as const;

test('the console’s own page loads nothing from elsewhere, has no inline code, and keeps to its size', async () => {
  const files = openPageFiles();
  const index = String((await files('/'))?.body);
  expect(index).not.toMatch(/<script(?![^>]* src="\/assets\/)|<style|\son\w+=|https?:/);
  for (const type of ['js', 'css'] as const) {
    const [, path = ''] = new RegExp(`"(/assets/main-\\w+\\.${type})"`).exec(index) ?? [];
    const body = Buffer.from((await files(path))?.body as Uint8Array);
    expect(body.length).toBeGreaterThan(100_000);
    expect([type, body.length < MAX_BYTES[type]]).toEqual([type, true]);
    const text = body.toString();
    // Code of texts, and files that a browser would fetch.
    expect(text).not.toMatch(/\beval\(|new Function\(|@import|url\("?(https?:)?\/\/|import\("https?:/);
  }
});
