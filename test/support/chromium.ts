import { execFileSync } from 'node:child_process';

/** The browser: that of the variable `CHROMIUM`, or the first one on the path. Undefined if there is none. */
export const CHROMIUM = process.env.CHROMIUM ?? findChromium();

/** For `launch`: its sandbox does not work for root. */
export const CHROMIUM_WORDS: string[] = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    } catch {
      // Not installed.
    }
  }
  return undefined;
}
