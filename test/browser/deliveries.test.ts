/// <reference lib="dom" />
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import type { LedgerEvent, LedgerRecord } from '../../lambdas/ledger/record.ts';
import { putRequest } from '../../lambdas/ledger/table/batch-calls.ts';
import { directoryItem, eventItem, responseItem, stateItem } from '../../lambdas/ledger/table/ledger-items.ts';
import type { Item } from '../../lambdas/ledger/table/table-calls.ts';
import { eventOf, newRecord } from '../../lambdas/ledger/transitions.ts';
import { output } from '../../local/demo/operator.ts';
import { publishTo, runningSession, until } from '../e2e/running-session.ts';
import { subject } from '../support/factories.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { accessibilityViolations, consoleInBrowser, MISSING } from './console-in-browser.ts';

const MINUTE_MS = 60_000;

/** Two rows in the index for each. */
const MANY = 10_000;

/** A partner's or a learner's text that tries to be more than text. */
const HOSTILE = '<script>alert(1)</script>\u202Eevil\u0007\u001B[31mred<img src=x onerror=alert(1)>';

const HOSTILE_ID = webhookId('hostile', 'hostile');

describeWithPart('the deliveries', MISSING, () => {
  const session = runningSession();
  const opened = consoleInBrowser(session);
  const nowMs = () => Date.now();
  const rowsOf = () => opened.page.locator('tbody tr');
  const linkOf = (id: string) => opened.page.locator(`a[href="/deliveries/${id}"]`);
  /** The ids on the page, in order. */
  const idsOnPage = () =>
    opened.page.$$eval('tbody a[href^="/deliveries/wh_"]', (links) =>
      links.map((link) => link.getAttribute('href') ?? ''),
    );

  async function write(items: readonly Item[]): Promise<void> {
    const { platform } = session();
    const tableName = output(platform, 'LedgerTableName');
    for (let from = 0; from < items.length; from += 25) {
      const writes = items.slice(from, from + 25).map(putRequest);
      await platform.tables.client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: writes } }));
    }
  }

  function stored(
    integrationId: string,
    eventId: string,
    minutesAgo: number,
    changes: Partial<LedgerRecord> = {},
    event: Partial<LedgerEvent> = {},
  ): readonly Item[] {
    const accepted_at = new Date(nowMs() - minutesAgo * MINUTE_MS).toISOString();
    const own = { ...subject({ integration_id: integrationId, event_id: eventId, accepted_at }), ...event };
    const record = { ...newRecord(own, nowMs()), version: 2, state: 'delivered' as const, ...changes };
    return [
      eventItem({ ...eventOf(own, nowMs()), ...event }, 30),
      stateItem(record, 400),
      directoryItem(accepted_at.slice(0, 10), integrationId, 400),
    ];
  }

  beforeAll(async () => {
    await publishTo(session(), 'skillsoft', ['published']);
    const first = Array.from({ length: MANY }, (_, at) => stored('many', `event-${at}`, 60 + at / 1000).slice(0, 2));
    await write([...first.flat(), ...stored('many', 'latest', 59)]);
    await write(
      stored('parked-one', 'parked', 30, { state: 'parked', parked_for: 'paused', reason: 'parked: it is paused' }),
    );
    await write(stored('learner-one', 'learner', 20, {}, { user_id: '987654321' }));
    await write([
      ...stored(
        'hostile',
        'hostile',
        10,
        {
          state: 'dead',
          reason: HOSTILE,
          attempts: [
            { at: new Date(nowMs()).toISOString(), duration_ms: 12, status: 500, error: HOSTILE.slice(0, 60) },
          ],
          times: { dead: new Date(nowMs()).toISOString() },
        },
        { payload: JSON.stringify({ text: HOSTILE, long: 'x'.repeat(200_000) }) },
      ),
      responseItem(HOSTILE_ID, new Date(nowMs()).toISOString(), HOSTILE, 30),
    ]);
  }, 120_000);

  test('are listed a hundred on a page, forward and back, of 20,000 rows', async () => {
    await opened.open('/deliveries?integration=many');
    await opened.page.waitForSelector('text=(100)');
    expect(await rowsOf().count()).toBe(100);
    const first = await idsOnPage();
    expect(first[0]).toBe(`/deliveries/${webhookId('many', 'latest')}`);
    await opened.page.getByRole('button', { name: 'Older' }).click();
    await linkOf(webhookId('many', 'event-99')).waitFor();
    const second = await idsOnPage();
    expect(second).toHaveLength(100);
    expect(second.filter((id) => first.includes(id))).toEqual([]);
    await opened.page.getByRole('button', { name: 'Newer' }).click();
    await linkOf(webhookId('many', 'latest')).waitFor();
    await opened.page.getByRole('button', { name: 'Read again' }).waitFor();
    expect(await idsOnPage()).toEqual(first);
  });

  test('of a state are those that have it', async () => {
    await opened.open('/deliveries?state=parked');
    await linkOf(webhookId('parked-one', 'parked')).waitFor();
    await opened.page.waitForSelector('text=rows read');
    expect(await rowsOf().count()).toBe(1);
  });

  test('are found by their id, by how it starts, and by their event', async () => {
    const id = webhookId('many', 'event-77');
    for (const query of [`id=${id}`, `id=${id.slice(0, 13)}`, 'event=event-77', 'event=event-77&integration=many']) {
      await opened.open(`/deliveries?${query}`);
      await linkOf(id).waitFor();
      expect(await idsOnPage()).toEqual([`/deliveries/${id}`]);
    }
    await opened.open('/deliveries?id=nonsense');
    await opened.page.waitForSelector('text=The ledger has no delivery with this id');
  });

  test('of a learner are searched after a warning, with what it read and cost', async () => {
    await opened.open('/deliveries');
    await opened.page.getByText('Search without an index').click();
    await opened.page.getByLabel('Learner').fill('987654321');
    await opened.page.getByRole('button', { name: 'Show', exact: true }).click();
    await opened.page.waitForSelector('text=No index helps with this search');
    expect(opened.page.url()).not.toContain('987654321');
    expect(await rowsOf().count()).toBe(0);
    await opened.page.getByRole('button', { name: 'Start the search' }).click();
    await linkOf(webhookId('learner-one', 'learner')).waitFor();
    await opened.page.waitForSelector('text=/2\\d,\\d{3} rows read, \\$0\\.\\d{4}/');
  });

  test('with an error text are searched in the index, after a warning', async () => {
    await opened.open('/deliveries?text=evil');
    await opened.page.getByRole('button', { name: 'Start the search' }).click();
    await linkOf(HOSTILE_ID).waitFor();
    expect(await idsOnPage()).toEqual([`/deliveries/${HOSTILE_ID}`]);
  });

  test('are asked for and opened with the keyboard alone', async () => {
    await opened.open('/deliveries');
    await opened.page.getByLabel('Event id').focus();
    await opened.page.keyboard.type('event-5');
    await opened.page.keyboard.press('Enter');
    const link = linkOf(webhookId('many', 'event-5'));
    await link.waitFor();
    await link.focus();
    await opened.page.keyboard.press('Enter');
    await opened.page.waitForSelector('text=What happened');
    expect(new URL(opened.page.url()).pathname).toBe(`/deliveries/${webhookId('many', 'event-5')}`);
  });

  test('can be stopped while they are read, and read on', async () => {
    const { page } = opened;
    const { tables } = session().platform;
    await opened.open('/deliveries?integration=many');
    await page.waitForSelector('text=(100)');
    await tables.setMode('hang');
    try {
      await page.getByRole('button', { name: 'Read again' }).click();
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.waitForSelector('text=It was stopped before anything was read');
    } finally {
      await tables.setMode('up');
    }
    await page.getByRole('button', { name: 'Read again' }).click();
    await page.waitForSelector('text=(100)');
  });

  test('that cannot be read are an error with another try', async () => {
    const { page } = opened;
    const { tables } = session().platform;
    await opened.open('/deliveries?integration=many');
    await page.waitForSelector('text=(100)');
    await tables.setMode('down');
    try {
      await page.getByRole('button', { name: 'Read again' }).click();
      await page.getByRole('button', { name: 'Try again' }).first().waitFor();
    } finally {
      await tables.setMode('up');
    }
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await page.waitForSelector('text=(100)');
  });

  test('refuse an address that was changed, and say why', async () => {
    await opened.open('/deliveries?cursor=nonsense');
    await opened.page.waitForSelector('text=this is no cursor of a list of deliveries');
    await opened.open('/deliveries?state=lost');
    await opened.page.waitForSelector('text=there is no state lost');
    await opened.open('/deliveries/wh_unknown');
    await opened.page.waitForSelector('text=knows no delivery wh_unknown');
    await opened.open('/deliveries?since=whenever');
    await opened.page.waitForSelector('text=it must be 30m, 24h or 7d ago');
  });

  describe('one of them', () => {
    test('has a timeline with its attempts and their phases', async () => {
      const id = webhookId('skillsoft', 'published');
      const { page } = opened;
      await until(session(), async () => {
        const { partner } = session();
        return partner.receipts.some(({ headers }) => headers['webhook-id'] === id);
      });
      await opened.open(`/deliveries/${id}`);
      const timeline = page.getByRole('list', { name: 'Timeline of the delivery, oldest first' });
      await timeline.getByText('Accepted from the events queue').waitFor();
      await timeline.getByText(/^Attempt: HTTP 200/).waitFor();
      await timeline.getByText(/total [\d.]+ ms/).waitFor();
      await timeline.getByText('Delivered', { exact: true }).waitFor();
    });

    test('shows hostile text as text, and 200 KB on one line', async () => {
      const { page } = opened;
      await opened.open(`/deliveries/${HOSTILE_ID}`);
      await page.getByText('<script>alert(1)</script>\\u{202e}evil\\u{7}\\u{1b}[31mred').first().waitFor();
      await page.getByRole('button', { name: 'Show the payload' }).click();
      const payload = page.getByRole('region', { name: 'Payload' });
      await payload.waitFor();
      expect((await payload.innerText()).length).toBeGreaterThan(200_000);
      await page.getByRole('button', { name: 'Show the response' }).click();
      await page.getByRole('region', { name: 'Response' }).getByText('evil').waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain('evil');
      expect(page.url()).not.toContain('evil');
    });

    test('is replayed and closed after a confirmation that shows the command', async () => {
      const { page } = opened;
      const id = webhookId('parked-one', 'parked');
      await opened.open(`/deliveries/${id}`);
      await page.getByRole('button', { name: 'Close', exact: true }).click();
      await page.getByLabel('Reason').fill('the partner has asked for it');
      await page.getByRole('button', { name: 'Next' }).click();
      await page
        .getByText(`./ltw ledger close ${id} --stage local --as cancelled '--reason=the partner has asked for it'`)
        .waitFor();
      await page.getByRole('button', { name: 'Run' }).click();
      await page.getByText('Done', { exact: true }).waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).last().click();
      await page.getByText('closed by an operator: the partner has asked for it').first().waitFor();
      await page.getByRole('button', { name: 'Replay' }).click();
      await page.getByRole('dialog').getByText(`./ltw replay ${id} --stage local`).waitFor();
      await page.getByRole('button', { name: 'Run' }).click();
      await page.getByText('Done', { exact: true }).waitFor();
    });
  });

  test.each(['light', 'dark'] as const)('are accessible in %s mode', async (colorScheme) => {
    const { page } = opened;
    await page.emulateMedia({ colorScheme });
    await opened.open('/deliveries?integration=many');
    await page.waitForSelector('text=(100)');
    expect(await accessibilityViolations(page)).toEqual([]);
    await opened.open(`/deliveries/${HOSTILE_ID}`);
    await page.getByRole('button', { name: 'Show the response' }).click();
    await page.getByRole('region', { name: 'Response' }).waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
  });
});
