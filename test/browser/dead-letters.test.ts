import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { beforeAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import { createLedgerTable } from '../../lambdas/ledger/table/ledger-table.ts';
import { eventOf, newRecord } from '../../lambdas/ledger/transitions.ts';
import { output } from '../../local/demo/operator.ts';
import { LOCAL_CREDENTIALS } from '../../local/sqs/queues.ts';
import { publishTo, receiptsOf, runningSession, until, waitForAttempts } from '../e2e/running-session.ts';
import { until as untilReal } from '../support/assembly.ts';
import { subject } from '../support/factories.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { accessibilityViolations, consoleInBrowser, MISSING } from './console-in-browser.ts';

const REFUSED = ['refused-1', 'refused-2', 'refused-3'];
const FAILED = ['failed-1', 'failed-2'];

/** What a partner could make of a reason, if one ever quoted it; and a line that is as long as the ledger takes. */
const HOSTILE = `<script>alert(document.domain)</script> \u001b[31m\u202e'"$(reboot)\` ${'x'.repeat(100)}`;

/** A message of 200 KB on one line, which is no event. */
const REJECTED = JSON.stringify({
  ...{ event_type: '<img src=x onerror=alert(1)>\u202e', event_id: '\u001b[2Jevil', integration_id: 'refusing' },
  filler: `${'y'.repeat(200_000)}<script>alert(2)</script>`,
});

describeWithPart('dead letters', MISSING, () => {
  const session = runningSession({
    partners: {
      refusing: { behaviour: 400 },
      failing: { behaviour: 500, entry: { max_retries: 1 } },
      hostile: { behaviour: 200 },
      resting: { behaviour: 200, entry: { paused: true } },
    },
  });
  const opened = consoleInBrowser(session);
  const page = () => opened.page;
  let table: LedgerTable;
  /** Whether the window, of 1400 px, is too narrow for the table of reasons: its buttons are in the last column. */
  const isScrolledSideways = () =>
    page()
      .getByRole('table', { name: 'Dead deliveries by reason' })
      .evaluate((element) => element.scrollWidth > (element.parentElement?.clientWidth ?? 0));

  /** A dead delivery as the ledger holds it, with its event. */
  async function putDead(integration_id: string, event_id: string, reason: string): Promise<void> {
    const now = Date.now();
    const accepted = subject({ event_id, integration_id, accepted_at: new Date(now).toISOString() });
    const withId = { ...accepted, webhook_id: webhookId(integration_id, event_id) };
    await table.putEvents([eventOf(withId, now)]);
    await table.overwrite({ ...newRecord(withId, now), version: 2, state: 'dead', reason });
  }

  beforeAll(async () => {
    const { platform } = session();
    table = createLedgerTable({
      client: new DynamoDBClient({
        endpoint: String(platform.endpoints.AWS_ENDPOINT_URL_DYNAMODB),
        region: 'us-east-1',
        credentials: LOCAL_CREDENTIALS,
      }),
      ...{ tableName: output(platform, 'LedgerTableName'), payloadDays: 30, factsDays: 400, now: Date.now },
    });
    await session().publish([REJECTED]);
    await publishTo(session(), 'refusing', REFUSED);
    await publishTo(session(), 'failing', FAILED);
    await waitForAttempts(session(), 'refusing', REFUSED, ['dead']);
    await waitForAttempts(session(), 'failing', FAILED, ['retry', 'dead']);
    await putDead('hostile', 'hostile-1', HOSTILE);
    await putDead('resting', 'resting-1', 'HTTP 503');
    await until(session(), async () => (await depthOf('EventsDeadLetterQueueUrl')) === 1);
  });

  async function depthOf(name: string): Promise<number> {
    const { Attributes } = await session().platform.queues.client.send(
      new GetQueueAttributesCommand({
        QueueUrl: output(session().platform, name),
        AttributeNames: ['ApproximateNumberOfMessages'],
      }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages);
  }

  const groups = () => page().getByRole('table', { name: 'Dead deliveries by reason' });
  const rowWith = (text: string) => groups().getByRole('row').filter({ hasText: text });
  const panel = () => page().getByRole('region', { name: 'Replay' });
  const dialog = () => page().getByRole('dialog');
  const result = () => dialog().getByRole('table', { name: 'Result of the replay' });

  const replayButton = () => panel().getByRole('button', { name: 'Replay', exact: true });

  /** Chooses the group of a reason, and awaits the counts of its dry run. */
  async function choose(reason: string, count: string): Promise<void> {
    await rowWith(reason)
      .getByRole('button', { name: /^Replay/ })
      .click();
    await panel().getByText(`${count} would be replayed`).waitFor();
  }

  const stateOf = async (integrationId: string, eventId: string) =>
    (await table.record(webhookId(integrationId, eventId)))?.state;

  test('are grouped by reason, each with its count and a link to one of them', async () => {
    await opened.open('/dead-letters');
    await rowWith('HTTP 400').getByRole('cell', { name: '3', exact: true }).waitFor();
    await rowWith('<number> attempts failed, the last with: HTTP 500').waitFor();
    const link = rowWith('HTTP 400').getByRole('link', { name: /^wh_/ });
    const ids = REFUSED.map((id) => `/deliveries/${webhookId('refusing', id)}`);
    expect(ids).toContain(await link.getAttribute('href'));
    await page()
      .getByText(/^\d+ rows? read, (\d+) of \1 days? of integrations$/)
      .waitFor();
    await opened.page.getByRole('table', { name: 'Dead-letter queues' }).getByText('deliveries').waitFor();
  });

  test('of one integration are those of the address', async () => {
    await opened.open('/dead-letters?integration=failing&since=2d');
    await rowWith('HTTP 500').waitFor();
    expect(await rowWith('HTTP 400').count()).toBe(0);
  });

  test('are shown as text, whatever their reasons hold, and replayed by the command that is shown', async () => {
    await opened.open('/dead-letters?integration=hostile');
    await rowWith('<script>alert(document.domain)</script> ?[31m?').waitFor();
    const html = await page().content();
    expect(['\u001b', '\u202e'].filter((character) => html.includes(character))).toEqual([]);
    await choose('<script>', '1 delivery');
    const shown = (await panel().getByText('./ltw replay').textContent()) ?? '';
    expect(shown).toContain(`'--error-like=<script>alert(document.domain)</script> ?[31m?'\\''"$(reboot)\` xxx`);
    expect(await page().evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });

  test('that are replayed while the partner is down die again, and the page warns of that', async () => {
    await opened.open('/dead-letters');
    await choose('HTTP 500', '2 deliveries');
    await panel().getByText('failing last responded HTTP 500').waitFor();
    await opened.open('/dead-letters?integration=resting');
    await choose('HTTP 503', '1 delivery');
    await panel().getByText('resting is paused: replayed deliveries are parked').waitFor();
  });

  test('are counted, replayed with the keyboard only, and then delivered', async () => {
    session().partner.setBehaviour('/refusing', 200);
    await opened.open('/dead-letters?integration=refusing');
    await rowWith('HTTP 400').waitFor();
    expect(await isScrolledSideways()).toBe(false);
    await rowWith('HTTP 400')
      .getByRole('button', { name: /^Replay/ })
      .focus();
    await page().keyboard.press('Enter');
    await panel().getByText('3 deliveries would be replayed').waitFor();
    expect(await panel().evaluate((element) => element === document.activeElement)).toBe(true);
    await panel().getByRole('slider').focus();
    for (let step = 0; step < 10; step += 1) await page().keyboard.press('ArrowRight');
    await panel().getByText('Rate: 20 a second').waitFor();
    await replayButton().focus();
    await page().keyboard.press('Enter');
    await dialog().getByText('--rate 20').waitFor();
    // The focus is on Run.
    await page().keyboard.press('Enter');
    await result()
      .getByRole('row', { name: /Replayed 3/ })
      .waitFor();
    await dialog()
      .getByText(/^Their dead-letter messages stay in the queue/)
      .waitFor();
    await dialog().getByText('Done').waitFor();
    // And now on Close.
    await page().keyboard.press('Enter');
    await dialog().waitFor({ state: 'detached' });
    expect(await replayButton().evaluate((element) => element === document.activeElement)).toBe(true);
    await until(session(), () =>
      REFUSED.every((id) => receiptsOf(session(), 'refusing', id).some(({ verified }) => verified)),
    );
    await untilReal(async () => (await stateOf('refusing', 'refused-1')) === 'delivered');
    // What was dead was read again.
    await page().getByText('No delivery that was accepted in this time is dead.').waitFor();
  });

  test('are left as they were by a replay that is stopped, and Continue replays the rest', async () => {
    const ids = Array.from({ length: 6 }, (_, index) => `stopped-${index}`);
    for (const id of ids) await putDead('hostile', id, 'to be stopped');
    await opened.open('/dead-letters?integration=hostile');
    await choose('to be stopped', '6 deliveries');
    await panel().getByRole('slider').press('Home');
    await panel().getByText('Rate: 1 a second').waitFor();
    await replayButton().click();
    await dialog().getByRole('button', { name: 'Run' }).click();
    await dialog().getByRole('progressbar').waitFor();
    await dialog().getByRole('button', { name: 'Stop' }).click();
    await result()
      .getByRole('row', { name: /^Not begun/ })
      .waitFor();
    await dialog().getByText('Stopped: the output says').waitFor();
    const states = await Promise.all(ids.map((id) => stateOf('hostile', id)));
    expect(states).toContain('dead');
    await dialog().getByRole('button', { name: 'Continue' }).click();
    await dialog().getByText('Done').waitFor();
    await untilReal(async () =>
      (await Promise.all(ids.map((id) => stateOf('hostile', id)))).every((one) => one !== 'dead'),
    );
  });

  test('are replayed as they were counted: another selection needs another dry run', async () => {
    await opened.open('/dead-letters?integration=hostile');
    await choose('<script>', '1 delivery');
    await panel().getByLabel('Part of the reason').fill('no reason has this');
    await panel().getByText('The selection has changed').waitFor();
    expect(await replayButton().isDisabled()).toBe(true);
    await panel().getByRole('button', { name: 'Dry run' }).click();
    await panel().getByText('no delivery of stage local fits').waitFor();
    expect(await replayButton().isDisabled()).toBe(true);
    await panel().getByLabel('Part of the reason').fill('document.domain');
    await panel().getByRole('button', { name: 'Dry run' }).click();
    await panel().getByText('1 delivery would be replayed').waitFor();
  });

  test('are skipped where another operator replays them at the same time', async () => {
    await putDead('hostile', 'raced', 'a race');
    await opened.open('/dead-letters?integration=hostile');
    await choose('a race', '1 delivery');
    await replayButton().click();
    const record = await table.record(webhookId('hostile', 'raced'));
    if (record === undefined) throw new Error('there is no record');
    // The other operator has closed it.
    await table.overwrite({ ...record, version: record.version + 1, state: 'cancelled' });
    await dialog().getByRole('button', { name: 'Run' }).click();
    await dialog().getByText('no delivery of stage local fits').waitFor();
    expect(await stateOf('hostile', 'raced')).toBe('cancelled');
  });

  test('of the queue of deliveries are redriven, and the page shows the command’s output', async () => {
    session().partner.setBehaviour('/failing', 200);
    await opened.open('/dead-letters');
    await page().getByRole('button', { name: 'Redrive deliveries', exact: true }).click();
    await dialog().getByText('./ltw redrive --stage local --rate 10').waitFor();
    await page().keyboard.press('Enter');
    await dialog()
      .getByText(/^moved \d+ messages?: each is delivered/)
      .waitFor();
    await dialog().getByRole('button', { name: 'Close', exact: true }).last().click();
    await until(session(), async () => (await stateOf('failing', 'failed-1')) === 'delivered');
  });

  test('that are rejected events are listed as text, and a payload is shown after a warning', async () => {
    await opened.open('/dead-letters');
    await page().getByRole('button', { name: 'List rejected events' }).click();
    const rejected = page().getByRole('table', { name: 'Rejected events' });
    await rejected.getByText('<img src=x onerror=alert(1)>\\u{202e}').waitFor();
    expect(await page().content()).not.toContain('yyyy');
    await rejected.getByRole('button', { name: /: payload of/ }).click();
    await dialog().getByText('it holds personal data').waitFor();
    await dialog().getByRole('button', { name: 'Show personal data' }).click();
    const payload = dialog().getByRole('region', { name: 'Payload' });
    await payload.getByText('alert(2)').waitFor();
    const text = (await payload.textContent()) ?? '';
    expect(text.length).toBeGreaterThan(200_000);
    expect(text).toContain('<script>alert(2)</script>');
    expect(await page().evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await page().keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
  });

  test.each(['light', 'dark'] as const)(
    'are accessible in %s mode, with a dry run and a dialog',
    async (colorScheme) => {
      await opened.page.emulateMedia({ colorScheme });
      await opened.open('/dead-letters?integration=hostile');
      await choose('<script>', '1 delivery');
      await page().getByRole('button', { name: 'List rejected events' }).click();
      await page()
        .getByRole('button', { name: /: payload of/ })
        .waitFor();
      expect(await accessibilityViolations(page())).toEqual([]);
      await replayButton().click();
      await dialog().getByText('./ltw replay').waitFor();
      expect(await accessibilityViolations(page())).toEqual([]);
    },
  );
});
