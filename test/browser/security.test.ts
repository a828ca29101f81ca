/// <reference lib="dom" />
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { runningSession } from '../e2e/running-session.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { accessibilityViolations, consoleInBrowser, MISSING } from './console-in-browser.ts';

describeWithPart('the page in a browser', MISSING, () => {
  const session = runningSession();
  const opened = consoleInBrowser(session);

  test('keeps its token in the tab only, and sends it to no address', async () => {
    const requests: { readonly url: string; readonly referrer: string | undefined }[] = [];
    opened.page.on('request', (request) => {
      requests.push({ url: request.url(), referrer: request.headers().referer });
    });
    await opened.open('/?x=1');
    await opened.page.waitForSelector('h1');
    const [token, others] = await opened.page.evaluate(() => [
      sessionStorage.getItem('token') ?? '',
      JSON.stringify([location.href, document.cookie, { ...localStorage }, document.referrer]),
    ]);
    expect(token).toHaveLength(43);
    expect(others).not.toContain(token);
    expect(new URL(opened.page.url()).search).toBe('?x=1');
    const { origin } = new URL(opened.page.url());
    const data = requests.filter(({ url }) => !url.startsWith('data:'));
    expect([...new Set(data.map(({ url }) => new URL(url).origin))]).toEqual([origin]);
    expect(data.filter(({ referrer = '' }) => referrer !== '')).toEqual([]);
    // The first address has it in its fragment, which is not sent.
    expect(data.slice(1).filter(({ url }) => url.includes(String(token)))).toEqual([]);
    await opened.page.reload();
    await opened.page.waitForSelector('h1');
  });

  test('runs no inline code, loads nothing from elsewhere, and makes no markup of a text', async () => {
    await opened.open();
    await opened.page.waitForSelector('h1');
    const violations = await opened.page.evaluate(async () => {
      const found: string[] = [];
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => found.push(effectiveDirective));
      const attempts: (() => unknown)[] = [
        () => {
          const script = document.createElement('script');
          script.append('globalThis.hasRun = true');
          document.body.append(script);
        },
        () => {
          document.body.innerHTML = '<img src=x onerror="globalThis.hasRun = true">';
        },
        () => setTimeout('globalThis.hasRun = true' as never),
        () => document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:1/x.png' })),
        () => document.body.append(document.createElement('iframe')),
        () => fetch('http://127.0.0.1:1/'),
      ];
      for (const attempt of attempts) {
        try {
          await attempt();
        } catch {
          // Refused by the policy.
        }
      }
      // Timers of the same delay run in their order.
      await new Promise((resolve) => setTimeout(resolve));
      return { found: [...new Set(found)].sort(), hasRun: 'hasRun' in globalThis };
    });
    expect(violations.hasRun).toBe(false);
    expect(violations.found).toEqual(expect.arrayContaining(['connect-src', 'require-trusted-types-for']));
    opened.expectComplaints(/Content Security Policy|'Trusted/);
  });

  test('an address changes nothing, whatever it holds', async () => {
    const called: string[] = [];
    opened.page.on('request', (request) => called.push(new URL(request.url()).pathname));
    for (const path of [
      '/?action=disable',
      '/integrations?pause=skillsoft',
      '/rollout?percent=100&run=1',
      '/nothing',
    ]) {
      await opened.open(path);
      await opened.page.waitForSelector('main');
    }
    expect(called).toContain('/api/stage');
    expect(called).not.toContain('/api/command');
  });

  test('without its token it shows no data, and says what to open', async () => {
    await opened.page.goto(opened.url);
    await opened.page.waitForSelector('text=This address has no token');
    expect(await accessibilityViolations(opened.page)).toEqual([]);
    await opened.page.goto(`${opened.url}/?again#token=wrong`);
    await opened.page.waitForSelector(
      'text=the token of this page is not valid: open the address that the console printed',
    );
    opened.expectComplaints(/401/);
  });

  test('a platform that does not run is said, and is found again', async () => {
    const state = readFileSync(opened.stateFile, 'utf8');
    rmSync(opened.stateFile);
    await opened.open();
    await opened.page.waitForSelector('text=The stage cannot be reached: no platform is running');
    expect(await accessibilityViolations(opened.page)).toEqual([]);
    writeFileSync(opened.stateFile, state);
    await opened.page.getByRole('button', { name: 'Try again' }).press('Enter');
    await opened.page.waitForSelector('h1');
  });

  test('another site can neither frame it nor read it', async () => {
    await opened.page.goto('about:blank');
    const seen = await opened.page.evaluate(async (url) => {
      const read = await fetch(url, { mode: 'no-cors' }).then(
        ({ type }) => type,
        () => 'refused',
      );
      const posted = await fetch(`${url}/api/stage`, { method: 'POST', mode: 'no-cors', body: '{}' }).then(
        ({ type }) => type,
        () => 'refused',
      );
      return { read, posted };
    }, opened.url);
    expect(seen).toEqual({ read: 'refused', posted: 'refused' });
    opened.expectComplaints(/ERR_BLOCKED_BY_RESPONSE|403|net::|blocked/i);
  });
});
