/// <reference lib="dom" />
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { startControlServer } from '../../local/control/control-server.ts';
import { createControls } from '../../local/control/controls.ts';
import { readState, stateFile, writeState } from '../../local/control/state-file.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import type { HttpServer } from '../../local/http-server.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { publishTo, publishTogether, runCommand, runningSession } from '../e2e/running-session.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { accessibilityViolations, consoleInBrowser, MISSING } from './console-in-browser.ts';

describeWithPart('the architecture', MISSING, () => {
  const session = runningSession({ flag: 'on' });
  const opened = consoleInBrowser(session);
  let control: HttpServer;

  beforeAll(async () => {
    control = await startControlServer(createControls(session()));
    writeState(stateFile(), { ...readState(stateFile()), control: control.url });
  });
  afterAll(() => control?.close());

  /** The number in the table of arrows of the arrow between two parts. */
  const numberOf = (from: string, to: string, what: string) =>
    opened.page
      .getByRole('table', { name: 'Arrows' })
      .locator('tr', { hasText: new RegExp(`^${from}${to}${what}`) })
      .locator('td')
      .last();

  async function run(words: string): Promise<void> {
    const dialog = opened.page.getByRole('dialog');
    await dialog.getByText(`npm run local -- ${words}`).waitFor();
    await dialog.getByRole('button', { name: 'Run' }).click();
    await dialog.getByRole('button', { name: 'Run' }).waitFor({ state: 'hidden' });
    await dialog.locator('button', { hasText: 'Close' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  async function change(name: string, position: string): Promise<void> {
    await opened.page.getByRole('button', { name: `Change ${name}`, exact: true }).click();
    await opened.page.getByRole('menuitem', { name: position, exact: true }).click();
    await run(`${name} ${position}`);
  }

  test('has the numbers of ./ltw status', async () => {
    await publishTo(session(), 'skillsoft', ['one', 'two', 'three']);
    await awaitQuiet(session());
    await opened.open('/architecture');
    await numberOf('DeliverBatch', 'Partner', 'signed webhook').getByText('3 attempts, 100 %').waitFor();
    const { lines } = await runCommand(session(), ['status', '--json']);
    const status = JSON.parse(lines.join(''));
    const attempts = status.integrations.map((one: { attempts: number }) => one.attempts);
    expect(Math.max(...attempts)).toBe(3);
    const [events] = status.queues;
    expect(await numberOf('events queue', 'EnrichBatch', 'messages').textContent()).toBe(`${events.waiting} waiting`);
    const drawn = opened.page.locator('svg', { hasText: 'Architecture of the pipeline' });
    await drawn.getByText('3 attempts, 100 %').waitFor();
  });

  test('shows that queries fail after the warehouse went down', async () => {
    await opened.open('/architecture');
    await change('warehouse', 'down');
    await opened.page.getByRole('row', { name: 'warehouse' }).getByText('down').waitFor();
    await publishTogether(session(), [completion('asks', 'skillsoft', LEARNER.known)]);
    await numberOf('EnrichBatch, EnrichTask', 'Snowflake', 'learning time')
      .getByText(/^[1-9]\d* of [1-9]\d* failed$/)
      .waitFor();
    await change('warehouse', 'up');
  });

  test('shows that attempts fail at a partner that answers 503', async () => {
    await opened.open('/architecture');
    await change('partner percipio', '503');
    await publishTo(session(), 'percipio', ['refused']);
    await numberOf('DeliverBatch', 'retry workflow', 'retry, park')
      .getByText(/^[1-9]\d* retried/)
      .waitFor();
    await change('partner percipio', 'up');
  });

  test('skips two hours: the times of the page go on', async () => {
    await opened.open('/architecture');
    const shown = opened.page.getByText(/, read 20/);
    const [, before = ''] = /read (\S+Z)/.exec((await shown.textContent()) ?? '') ?? [];
    await opened.page.getByRole('button', { name: 'Skip', exact: true }).click();
    await run('skip 2h');
    // It may have been read up to an hour later: the clock goes on.
    const hours = [2, 3].map((count) => new Date(Date.parse(before) + count * 3_600_000).toISOString().slice(0, 13));
    await opened.page.getByText(new RegExp(`, read (${hours.join('|')})`)).waitFor();
    await opened.page.getByText(new RegExp(`Its time is (${hours.join('|')})`)).waitFor();
  });

  test('is usable by keyboard only', async () => {
    const { keyboard } = opened.page;
    const tabTo = async (target: Locator) => {
      await target.waitFor();
      for (let tabs = 0; tabs < 80; tabs += 1) {
        await keyboard.press('Tab');
        if (await target.evaluate((element) => element === document.activeElement)) return;
      }
      throw new Error('the focus never comes there');
    };
    await opened.open('/architecture');
    await tabTo(opened.page.getByRole('link', { name: 'DeliverBatch λ' }));
    await keyboard.press('Enter');
    await opened.page.getByText('./ltw logs DeliverBatch --stage local').waitFor();
    await tabTo(opened.page.getByRole('button', { name: 'Change appconfig' }));
    await keyboard.press('Enter');
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    const dialog = opened.page.getByRole('dialog');
    await dialog.getByText('npm run local -- appconfig down').waitFor();
    await tabTo(dialog.getByRole('button', { name: 'Run' }));
    await keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Run' }).waitFor({ state: 'hidden' });
    await keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await opened.page.getByRole('row', { name: 'appconfig' }).getByText('down').waitFor();
    await change('appconfig', 'up');
  });

  test.each(['light', 'dark'] as const)('is accessible in %s mode, with its dialog', async (colorScheme) => {
    await opened.page.emulateMedia({ colorScheme });
    await opened.open('/architecture');
    await opened.page.getByText(/, read 20/).waitFor();
    await opened.page.getByRole('button', { name: 'Change warehouse' }).waitFor();
    expect(await accessibilityViolations(opened.page)).toEqual([]);
    await opened.page.getByRole('button', { name: 'Skip', exact: true }).click();
    await opened.page.getByRole('dialog').waitFor();
    expect(await accessibilityViolations(opened.page)).toEqual([]);
  });
});
