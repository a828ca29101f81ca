/// <reference lib="dom" />
import { beforeAll, expect, test } from '@jest/globals';
import type { Route } from 'playwright-core';
import { webhookId } from '../../lambdas/events/identity.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { publishTo, runningSession } from '../e2e/running-session.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { consoleInBrowser, MISSING } from './console-in-browser.ts';

/** Markup, terminal escapes, text that turns around, and 200 KB on one line. */
const HOSTILE = `<script>window.ran = 1</script><img src=x onerror="window.ran = 1">\u001b[2J\u202e\u0007${'x'.repeat(200_000)}`;

/** Fields whose texts come from outside: an LMS, a partner, an operator, AWS. */
const OUTSIDE =
  /^(reason|error|cause|means|value|text|payload|response_start|last_response|last_error|host|event_id|user_id|course_id|description|message|title|detail|explanation|unconfirmed|pilots?|enterprise\w*)$/i;

/** The same document, with the hostile text in every field that has text from outside. */
function poisoned(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return OUTSIDE.test(key) ? value + HOSTILE : value;
  if (Array.isArray(value)) return value.map((one) => poisoned(one, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, poisoned(one, name)]));
}

async function poison(route: Route): Promise<void> {
  const response = await route.fetch();
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  const body = lines.map((line) => `${JSON.stringify(poisoned(JSON.parse(line)))}\n`).join('');
  await route.fulfill({ response, body });
}

const REFUSED = webhookId('partner-refusing', 'refused');

describeWithPart('hostile data', MISSING, () => {
  const session = runningSession();
  const opened = consoleInBrowser(session);

  beforeAll(async () => {
    await publishTo(session(), 'skillsoft', ['delivered']);
    await publishTo(session(), 'partner-refusing', ['refused']);
    await awaitQuiet(session());
    await session().skip(5 * 60_000);
  });

  // Of the rollout's texts only ids come from outside: rollout.test.ts has hostile ones.
  test.each([
    ['/', 'Success rate of attempts'],
    ['/deliveries', 'Deliveries'],
    [`/deliveries/${REFUSED}`, 'What happened'],
    ['/integrations', 'Integrations'],
    ['/integrations/partner-refusing', 'Health'],
    ['/dead-letters', 'Dead-letter queues'],
    ['/architecture', 'Architecture'],
  ])('on %s is text: it runs nothing, hides nothing and keeps the page in its width', async (path, heading) => {
    const { page } = opened;
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.route('**/api/**', poison);
    await opened.open(path);
    await page.getByRole('heading', { name: heading, exact: true }).first().waitFor();
    await page.waitForFunction(() => document.body.innerText.includes('<script>'));

    const found = await page.evaluate(() => ({
      ran: 'ran' in window,
      injected: document.querySelectorAll('main script, main img[src="x"]').length,
      hidden: /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u.test(document.body.innerText),
      hasFailed: document.body.innerText.includes('This page has failed'),
      isTooWide: document.documentElement.scrollWidth > innerWidth,
      stored: JSON.stringify({ ...localStorage, ...sessionStorage }) + document.title + location.href,
    }));
    expect(found).toMatchObject({
      ...{ ran: false, injected: 0, hidden: false, hasFailed: false, isTooWide: false },
      stored: expect.not.stringContaining('script'),
    });
    expect(dialogs).toEqual([]);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });
});
