/// <reference lib="dom" />
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { Result } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { startConsoleServer } from '../../commands/console/server.ts';
import { runProgram } from '../../commands/main.ts';
import { noteInterruption } from '../../commands/shared/interruption.ts';
import { openStage } from '../../commands/shared/stage.ts';
import { writeState } from '../../local/control/state-file.ts';
import type { Session } from '../../local/demo/session.ts';
import { CHROMIUM, CHROMIUM_WORDS } from '../support/chromium.ts';

/** Why the tests of this folder cannot run; undefined where they can. */
export const MISSING = CHROMIUM === undefined ? 'there is no chromium' : undefined;

/** The console of a running platform, in a browser. */
export interface ConsoleInBrowser {
  /** Of the current test. */
  readonly page: Page;
  /** Opens an address of the page, such as `/deliveries?state=dead`, with the token. */
  open(path?: string): Promise<void>;
  /** Of the server, without a path. */
  readonly url: string;
  /** What names the platform; the console's command reads it in each call. */
  readonly stateFile: string;
  /** Errors that the current test provokes, and that do not make it fail. */
  expectComplaints(expected: RegExp): void;
}

/**
 * Starts the console of a session and a browser for the tests of one file. Each test has a tab of its own, and fails if its
 * page logs an error, violates its content security policy, or throws.
 */
export function consoleInBrowser(session: () => Session): ConsoleInBrowser {
  const directory = mkdtempSync(join(tmpdir(), 'console-'));
  const stateFile = join(directory, 'platform.json');
  let browser: Browser;
  let page: Page;
  let server: Awaited<ReturnType<typeof startConsoleServer>>;
  let complaints: string[] = [];
  let provoked: RegExp | undefined;

  beforeAll(async () => {
    const { outputs, endpoints, controlPlane } = session().platform;
    writeState(stateFile, { pid: process.pid, control: controlPlane.endpoint, clock_offset_ms: 0, endpoints, outputs });
    process.env.LOCAL_PLATFORM_FILE = stateFile;
    const ask = async () => undefined;
    server = await startConsoleServer({
      stageName: 'local',
      runProgram,
      context: {
        terminal: {
          ...{ isInteractive: false, progress: { write: () => true }, print: () => {}, close: () => {} },
          ...{ ask, askHidden: ask },
        },
        variables: {},
        openStage: (name) => openStage(name, {}, stateFile),
        now: Date.now,
        // Commands that follow a deployment poll it at this interval.
        sleep: (durationMs) => sleep(durationMs),
        noteInterruption,
      },
    });
    browser = await chromium.launch({ executablePath: CHROMIUM as string, args: CHROMIUM_WORDS });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(directory, { recursive: true });
  });
  beforeEach(async () => {
    complaints = [];
    provoked = undefined;
    page = await browser.newPage({ viewport: { width: 1400, height: 1000 }, reducedMotion: 'reduce' });
    page.setDefaultTimeout(60_000);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(async () => {
    await page.close();
    expect(complaints.filter((complaint) => !provoked?.test(complaint))).toEqual([]);
  });

  return {
    stateFile,
    get page() {
      return page;
    },
    get url() {
      return server.url;
    },
    expectComplaints(expected) {
      provoked = expected;
    },
    async open(path = '/') {
      await page.goto(`${server.url}${path}#token=${server.token}`);
    },
  };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The violations of WCAG 2.1 A and AA that axe finds on a page, each with the elements. */
export async function accessibilityViolations(page: Page): Promise<readonly string[]> {
  // Evaluated by the debugger, which the page's content security policy does not concern.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Result[] }> } };
    const found = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
    return found.violations;
  });
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target).join(' | ')}`);
}
