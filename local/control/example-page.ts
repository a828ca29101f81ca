import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { PageSettings } from '../../client/example/page.ts';
import { type HttpServer, startHttpServer } from '../http-server.ts';

const DIRECTORY = fileURLToPath(new URL('../../client/example/', import.meta.url));

/** Serves the page of `client/example` on a free port of 127.0.0.1, a separate origin. */
export async function startExamplePage(settings: PageSettings): Promise<HttpServer> {
  let script: Promise<string> | undefined;
  return startHttpServer((request, response) => {
    const send = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
    if (request.url === '/') send(200, 'text/html', pageText(settings));
    else if (request.url === '/page.js') {
      // Built on the first request, so that a start does not wait for it.
      script ??= bundle();
      script.then(
        (text) => send(200, 'text/javascript', text),
        (thrown: Error) => send(500, 'text/plain', thrown.message),
      );
    } else send(404, 'text/plain', 'not found');
  });
}

function pageText(settings: PageSettings): string {
  const json = JSON.stringify(settings).replaceAll('<', '\\u003c');
  return readFileSync(`${DIRECTORY}index.html`, 'utf8').replace('"__SETTINGS__"', () => json);
}

/** Bundles the page with React. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${DIRECTORY}page.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: true,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return outputFiles[0]?.text ?? '';
}
