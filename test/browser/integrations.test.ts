import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { DEMO_PARTNERS } from '../../local/demo/partners.ts';
import { type HttpServer, startHttpServer } from '../../local/http-server.ts';
import {
  publishTo,
  redeploy,
  runCommand,
  runningSession,
  storeSecret,
  waitForParking,
} from '../e2e/running-session.ts';
import { describeWithPart } from '../support/optional-part.ts';
import {
  ACME_CERTIFICATE,
  ACME_KEY,
  CLIENT_ISSUER,
  NEXT_CERTIFICATE,
  NEXT_KEY,
} from '../support/test-only-client-certificates.ts';
import { accessibilityViolations, consoleInBrowser, MISSING } from './console-in-browser.ts';

const HOSTILE = `<script>document.title = 'script ran'</script>\u001b[2J\u202e${'x'.repeat(200_000)}`;

/** What a test event to each demo partner results in. */
const VERDICTS: Readonly<Record<string, RegExp>> = {
  'partner-flaky': /would be retried: HTTP 503/,
  'partner-refusing': /would be dead-lettered: HTTP 400/,
  'partner-moved': /would be dead-lettered: HTTP 302/,
  'partner-hanging': /would be retried: no response: TIMEOUT/,
  'partner-down-for-a-day': /would be retried: HTTP 503/,
  'partner-recovering': /would be retried: HTTP 503/,
  'partner-without-secret': /Not sent: /,
  'n8n-inactive': /would be dead-lettered: HTTP 404/,
};

describeWithPart('integrations', MISSING, () => {
  const session = runningSession();
  const opened = consoleInBrowser(session);
  const button = (name: string | RegExp) => opened.page.getByRole('button', { name });
  const dialog = () => opened.page.getByRole('dialog');

  /** Confirms a command, and waits until it has ended. */
  async function runAndClose(outcome: 'Done' | RegExp = 'Done') {
    await dialog().getByRole('button', { name: 'Run' }).click();
    await dialog().getByText(outcome).first().waitFor();
    const text = await dialog().innerText();
    await dialog()
      .getByRole('button', { name: /^(Close|Cancel)$/ })
      .click();
    await dialog().waitFor({ state: 'detached' });
    return text;
  }

  async function openOne(id: string) {
    await opened.open(`/integrations/${id}`);
    await opened.page.getByRole('heading', { name: 'Rate limiter and circuit breaker' }).waitFor();
  }

  describe('all', () => {
    test('has a row for each, and finds by text', async () => {
      await opened.open('/integrations');
      await row(opened.page, 'partner-paused').getByText('paused', { exact: true }).waitFor();
      for (const id of Object.keys(DEMO_PARTNERS)) await row(opened.page, id).waitFor();
      await row(opened.page, 'partner-without-secret').getByText('not usable').waitFor();
      await row(opened.page, 'percipio-oauth').getByText('oauth2_client_credentials').waitFor();
      await opened.page.getByLabel('Filter integrations').fill('OAUTH2');
      await opened.page.getByText('(1 integration)').waitFor();
      await row(opened.page, 'skillsoft').waitFor({ state: 'detached' });
    });

    test('a part that cannot be read hides no other one', async () => {
      await opened.page.route('**/api/integrationStatus', (route) =>
        route.fulfill({ contentType: 'application/x-ndjson', body: '{"error":"no permission: dynamodb:Query"}\n' }),
      );
      await opened.open('/integrations');
      await opened.page.getByText('Deliveries and metrics: no permission: dynamodb:Query').waitFor();
      await row(opened.page, 'partner-without-secret').getByText('not usable').waitFor();
    });

    test.each(['light', 'dark'] as const)('is accessible in %s mode', async (colorScheme) => {
      await opened.page.emulateMedia({ colorScheme });
      await opened.open('/integrations');
      await row(opened.page, 'partner-without-secret').getByText('not usable').waitFor();
      expect(await accessibilityViolations(opened.page)).toEqual([]);
    });
  });

  describe('test deliveries', () => {
    test.each(Object.keys(DEMO_PARTNERS))('to %s', async (id) => {
      await openOne(id);
      await button('Send a test event').click();
      await dialog().getByText('This sends one signed test event to the partner').waitFor();
      const text = await runAndClose(/^Done|^Ended with/);
      expect(text).toMatch(VERDICTS[id] ?? /Delivered: HTTP 200/);
      expect(text).toContain(`./ltw send-test --stage local --integration ${id} --json`);
      const times = opened.page.getByRole('table', { name: 'Times of the request' });
      if (id === 'partner-without-secret') expect(await times.count()).toBe(0);
      else expect(await times.getByRole('row', { name: /^total [\d.]+ ms/ }).count()).toBe(1);
    });

    test('with the keyboard only, and the focus returns', async () => {
      await openOne('percipio');
      const { keyboard } = opened.page;
      const isFocused = (name: string) =>
        opened.page.evaluate((wanted) => document.activeElement?.textContent?.trim() === wanted, name);
      const tabTo = async (name: string) => {
        for (let presses = 0; presses < 60 && !(await isFocused(name)); presses += 1) await keyboard.press('Tab');
        expect(await isFocused(name)).toBe(true);
      };
      await tabTo('Send a test event');
      await keyboard.press('Enter');
      await dialog().waitFor();
      await tabTo('Run');
      await keyboard.press('Enter');
      await dialog().getByText('Delivered: HTTP 200').waitFor();
      await keyboard.press('Escape');
      await dialog().waitFor({ state: 'detached' });
      expect(await isFocused('Send a test event')).toBe(true);
    });
  });

  describe('a hostile partner', () => {
    let server: HttpServer;

    beforeAll(async () => {
      server = await startHttpServer(async (_request, response) => {
        response.writeHead(400, { 'content-type': 'text/html' }).end(HOSTILE);
      });
      redeploy(session(), { percipio: { url: `${server.url}/hostile` } });
      await session().skipPollInterval();
    });
    afterAll(() => server?.close());

    test('its response is text', async () => {
      await openOne('percipio');
      await button('Send a test event').click();
      await runAndClose(/^Ended with/);
      await opened.page.getByText('The response begins').waitFor();
      await opened.page.getByText(`<script>document.title = 'script ran'</script>\\u{1b}[2J`).waitFor();
      expect(await opened.page.title()).not.toBe('script ran');
      expect(await opened.page.locator('main').innerText()).not.toContain('\u202e');
    });
  });

  test('pause, and resume', async () => {
    await openOne('partner-limited');
    await button('Pause partner-limited').click();
    expect(await runAndClose()).toContain('done: pause integration partner-limited');
    await opened.page.getByText('paused', { exact: true }).waitFor();
    expect(await button('Pause partner-limited').getAttribute('aria-disabled')).toBe('true');
    await button('Resume partner-limited').click();
    expect(await runAndClose()).toContain('done: resume integration partner-limited');
    await opened.page.getByText('active', { exact: true }).waitFor();
  });

  test('a partner that is down: its deliveries are parked, and why', async () => {
    session().partner.setBehaviour('/format-percipio', 'down');
    const ids = Array.from({ length: 14 }, (_, index) => `down-${index}`);
    await publishTo(session(), 'format-percipio', ids);
    await waitForParking(session(), 'format-percipio', 'down-0');
    await openOne('format-percipio');
    await opened.page.getByText('open: failing').waitFor();
    await opened.page.getByText('parked: integration format-percipio is failing').waitFor();
    await opened.open('/integrations');
    await row(opened.page, 'format-percipio').getByText('parked: failing').waitFor();
    await row(opened.page, 'format-percipio').getByRole('link', { name: /^\d+$/ }).waitFor();
  });

  describe('the rotation of a signing secret', () => {
    const section = () => opened.page.getByRole('list', { name: 'Rotation of the signing secret' });

    test('to its end, without a secret on the page', async () => {
      await openOne('skillsoft');
      await section().getByText('No rotation is in progress').waitFor();
      await button('Begin the rotation').click();
      const begun = await runAndClose();
      expect(begun).toContain('./ltw integration rotate skillsoft --stage local --grace 24h');
      expect(begun).not.toContain('whsec_');
      await section().getByText('Both are stored').waitFor();
      expect(await button(/drop the old one/).getAttribute('aria-disabled')).toBe('true');

      await session().skip(21 * 60_000);
      await button('Read again').click();
      await section().getByText('get-secret-value --secret-id /local/integrations/skillsoft').waitFor();
      session().adoptSigningSecret('skillsoft');
      await button(/drop the old one/).click();
      expect(await runAndClose()).toContain('4 of 4: the old signing secret is dropped');
      await section().getByText('No rotation is in progress').waitFor();
      await button('Send a test event').click();
      expect(await runAndClose()).toContain('Delivered: HTTP 200');
      expect(await opened.page.content()).not.toContain('whsec_');
    });

    test('that another operator has ended meanwhile: the command says so, and the page reads again', async () => {
      const rotate = (...words: readonly string[]) =>
        runCommand(session(), ['integration', 'rotate', 'partner-limited', ...words]);
      await rotate('--grace', '24h');
      await session().skip(21 * 60_000);
      await openOne('partner-limited');
      await section().getByText('Both are stored').waitFor();
      await rotate('--partner-has-switched');
      await button(/drop the old one/).click();
      expect(await runAndClose(/no rotation of partner-limited is in progress/)).toContain('begin without');
      await section().getByText('No rotation is in progress').waitFor();
    });
  });

  test('credentials: the partner accepts those that were typed, and the page keeps none', async () => {
    await openOne('percipio-oauth');
    const change = async (secret: string) => {
      await opened.page.getByLabel('client_secret').fill(secret);
      await button('Change the credentials').click();
      const text = await runAndClose();
      expect(text).toContain('changed in /local/integrations/percipio-oauth: client_secret');
      expect(text).not.toContain(secret);
      expect(await opened.page.getByLabel('client_secret').inputValue()).toBe('');
    };
    const send = async (outcome: RegExp) => {
      await button('Send a test event').click();
      return runAndClose(outcome);
    };
    await change('a-wrong-one');
    expect(await send(/^Ended with/)).toContain('the webhook was not sent');
    await change('demo-client-secret');
    expect(await send(/^Done/)).toContain('Delivered: HTTP 200');
  });

  test('a client certificate: when it expires, and the steps of its rotation', async () => {
    redeploy(session(), { n8n: { url: 'https://n8n.example/hook', client_certificate: true } });
    await storeSecret(session(), 'n8n', {
      signing_secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`],
      ...{ client_certificate: `${ACME_CERTIFICATE}\n${CLIENT_ISSUER}`, client_key: ACME_KEY },
      ...{ next_client_certificate: NEXT_CERTIFICATE, next_client_key: NEXT_KEY },
    });
    await openOne('n8n');
    await opened.page.getByText(/^current: 2125-12-31, in [\d,]+ days$/).waitFor();
    const steps = opened.page.getByRole('list', { name: 'Rotation of the client certificate' });
    await steps.getByText('It is stored, and expires on 2125-12-31.').waitFor();
    await steps.getByText('./ltw integration next-certificate n8n --stage local --certificate-file next.crt').waitFor();
    await steps.getByRole('button', { name: 'Make it the current one' }).click();
    await dialog().getByText('./ltw integration switch-certificate n8n --stage local').waitFor();
    expect(await opened.page.content()).not.toContain('BEGIN');
  });

  test.each(['light', 'dark'] as const)(
    'one is accessible in %s mode, with its drawing and its dialog',
    async (mode) => {
      await opened.page.emulateMedia({ colorScheme: mode });
      await openOne('percipio-oauth');
      await opened.page.getByRole('img', { name: /^Attempts of course_completion/ }).waitFor();
      const attempts = opened.page.getByRole('list', { name: /^Attempts of course_completion/ });
      expect(await attempts.getByRole('listitem').count()).toBe(10);
      expect(await accessibilityViolations(opened.page)).toEqual([]);
      await button('Send a test event').click();
      await dialog().getByRole('button', { name: 'Run' }).click();
      await dialog()
        .getByText(/^Done|^Ended with/)
        .waitFor();
      expect(await accessibilityViolations(opened.page)).toEqual([]);
    },
  );

  test('an integration that does not exist', async () => {
    await opened.open('/integrations/acne');
    await opened.page.getByText('no integration has the id acne: there are skillsoft,').first().waitFor();
  });
});

function row(page: Page, id: string) {
  return page.getByRole('row').filter({ has: page.getByRole('link', { name: id, exact: true }) });
}
