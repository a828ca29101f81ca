/// <reference lib="dom" />
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { startConsoleProcess } from '../../local/control/console-process.ts';
import { startControlServer } from '../../local/control/control-server.ts';
import { createControls } from '../../local/control/controls.ts';
import { writeState } from '../../local/control/state-file.ts';
import { type Session, startSession } from '../../local/demo/session.ts';
import { LOCAL_ASSEMBLY } from '../../local/synthesize.ts';
import { CHROMIUM, CHROMIUM_WORDS } from '../support/chromium.ts';
import { ROOT } from './run-program.ts';
import { FAILING_WEBHOOK, makeHistory, PARTNERS } from './screenshot-history.ts';

/** The pages, by the names of their files. */
const PAGES: Readonly<Record<string, string>> = {
  overview: '/',
  deliveries: '/deliveries',
  delivery: `/deliveries/${FAILING_WEBHOOK}`,
  integrations: '/integrations',
  integration: '/integrations/globex',
  'dead-letters': '/dead-letters',
  rollout: '/rollout',
  architecture: '/architecture',
};

const HELP = `npm run screenshots -- [NAME | NAME=PATH]…

Starts the local platform with an hour of traffic, and writes a screenshot of each page of the console to docs/images/NAME.webp.
Without names: ${Object.keys(PAGES).join(', ')}.
NAME=PATH is any other address of the console: pause=/integrations/globex`;

const DIRECTORY = join(ROOT, 'docs/images');

/** Of a screenshot, in pixels: a laptop's browser. */
const VIEWPORT = { width: 1400, height: 900 } as const;

const WEBP_QUALITY = 85;

/** README.md and the guides load several. */
const MAX_BYTES = 150_000;

/** @throws Error if there is no such page */
function readPages(words: readonly string[]): readonly (readonly [name: string, path: string])[] {
  if (words.length === 0) return Object.entries(PAGES);
  return words.map((word) => {
    const [name = '', path = PAGES[word]] = word.split('=', 2);
    if (path === undefined || !/^[\w-]+$/.test(name)) throw new Error(`no page ${word}\n\n${HELP}`);
    return [name, path] as const;
  });
}

/** Starts the console of a session. @returns its address, with the token, and what ends it */
async function serveConsole(session: Session, stateFile: string) {
  const control = await startControlServer(createControls(session));
  const { outputs, endpoints, clockOffsetMs } = session.platform;
  writeState(stateFile, {
    ...{ pid: process.pid, control: control.url, clock_offset_ms: clockOffsetMs },
    ...{ endpoints, outputs },
  });
  const served = startConsoleProcess(() => {});
  const started = await served.started;
  const close = () => Promise.all([served.close(), control.close()]);
  if ('address' in started) return { address: new URL(started.address), close };
  await close();
  throw new Error(started.failure);
}

/** @throws Error if the page is not there, fails, or makes too large a file */
async function takeScreenshot(browser: Browser, address: URL, name: string, path: string): Promise<void> {
  const page = await browser.newPage({ viewport: VIEWPORT, colorScheme: 'light', reducedMotion: 'reduce' });
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  await page.goto(new URL(`${path}${address.hash}`, address).href);
  await page.waitForLoadState('networkidle');
  // Cloudscape's spinners and loading indicators: a page that streams its result has no request that ends.
  await page.waitForFunction(() => document.querySelector('[class*=awsui_circle_], [class*=status-loading]') === null);
  const text = (await page.locator('main').textContent()) ?? '';
  if (/There is no such page|This page has failed/.test(text)) complaints.push(text);
  if (complaints.length > 0) throw new Error(`${path}: ${complaints.join('; ')}`);
  const devTools = await page.context().newCDPSession(page);
  const { data } = await devTools.send('Page.captureScreenshot', { format: 'webp', quality: WEBP_QUALITY });
  const image = Buffer.from(data, 'base64');
  if (image.length > MAX_BYTES) throw new Error(`${name}.webp has ${image.length} bytes: at most ${MAX_BYTES}`);
  writeFileSync(join(DIRECTORY, `${name}.webp`), image);
  console.log(`docs/images/${name}.webp  ${Math.ceil(image.length / 1000)} kB`);
  await page.close();
}

async function main(words: readonly string[]): Promise<void> {
  if (words.includes('--help')) return console.log(HELP);
  const pages = readPages(words);
  if (CHROMIUM === undefined) throw new Error('there is no chromium: install it, or set CHROMIUM');
  const directory = mkdtempSync(join(tmpdir(), 'screenshots-'));
  const stateFile = join(directory, 'platform.json');
  process.env.LOCAL_PLATFORM_FILE = stateFile;
  const session = await startSession({ assemblyDirectory: LOCAL_ASSEMBLY, partners: PARTNERS });
  try {
    console.log('an hour of traffic …');
    await makeHistory(session);
    const { address, close } = await serveConsole(session, stateFile);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_WORDS });
    try {
      mkdirSync(DIRECTORY, { recursive: true });
      for (const [name, path] of pages) await takeScreenshot(browser, address, name, path);
    } finally {
      await browser.close();
      await close();
    }
  } finally {
    await session.stop();
    rmSync(directory, { recursive: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (thrown) {
  console.error((thrown as Error).message);
  process.exitCode = 1;
}
// Closing sockets would keep the process alive.
process.exit();
