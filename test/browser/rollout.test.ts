import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FLAG_KEY } from '../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import { deployIntegrations, output } from '../../local/demo/operator.ts';
import { completion, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import {
  deployFlag,
  learningTimeOf,
  receiptsOf,
  redeploy,
  runCommand,
  runningSession,
  until,
} from '../e2e/running-session.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { accessibilityViolations, consoleInBrowser, MISSING } from './console-in-browser.ts';

/** At the position 13.7 of 100 in the rollout. */
const OTHER = 'ent-r';

/** Ids that a person could write in the AppConfig console if the attribute had no pattern. */
const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '\u001b[2J\u001b]0;gone\u0007',
  '\u202egnp.exe',
  `--stage=prod ${'a'.repeat(900)}`,
];

describeWithPart('the rollout', MISSING, () => {
  const session = runningSession();
  const opened = consoleInBrowser(session);
  const button = (name: string) => opened.page.getByRole('button', { name, exact: true });
  const slider = () => opened.page.getByRole('slider', { name: 'Percentage' });
  const dialog = () => opened.page.getByRole('dialog');
  const isShown = (text: string | RegExp) => opened.page.getByText(text).first().waitFor();
  /** The flag that functions get. */
  const served = () => {
    const { appConfig } = session().platform;
    const [app, environment, profile] = (
      ['AppConfigApplicationId', 'FlagsEnvironmentId', 'FlagsProfileId'] as const
    ).map((name) => output(session().platform, name));
    return JSON.parse(appConfig.store.deployed(app ?? '', environment ?? '', profile ?? '')?.published ?? '{}')[
      FLAG_KEY
    ];
  };
  const open = async () => {
    await opened.open('/rollout');
    await isShown('Newest deployment');
  };
  const confirm = async () => {
    await dialog().getByRole('button', { name: 'Run' }).click();
    await dialog().getByText('Done', { exact: true }).waitFor();
    await dialog().getByRole('button', { name: 'Close', exact: true }).click();
  };

  beforeEach(() => {
    redeploy(session(), {
      skillsoft: { enterprise_customer_uuid: ENTERPRISE, region: 'US' },
      percipio: { enterprise_customer_uuid: OTHER, region: 'US' },
    });
    deployFlag(session().platform, { enabled: true, rollout_percentage: 0 });
  });
  afterEach(async () => {
    session().platform.appConfig.setBakeSeconds(0);
    // Also where a test failed while a deployment baked, which would refuse the next test's.
    await runCommand(session(), ['flag', 'disable']);
  });

  test('the slider, by keyboard only, lists who changes; the change is deployed, and functions follow it', async () => {
    await open();
    await slider().focus();
    await opened.page.keyboard.press('End');
    await isShown('2 of 2 known enterprises change: on for 0, then for 2');
    await opened.page.keyboard.press('Home');
    await isShown('0 of 2 known enterprises change: on for 0, then for 0');
    for (let step = 0; step < 14; step += 1) await opened.page.keyboard.press('ArrowRight');
    await isShown('1 of 2 known enterprises change: on for 0, then for 1');
    await opened.page.getByLabel('As a number').fill('100');
    await isShown('2 of 2 known enterprises change: on for 0, then for 2');
    await button('Change percentage').focus();
    await opened.page.keyboard.press('Enter');
    await dialog()
      .getByText(/^\.\/ltw flag percent 100 .*--if-version \d+/)
      .waitFor();
    await dialog().getByRole('button', { name: 'Run' }).focus();
    await opened.page.keyboard.press('Enter');
    await dialog().getByText('Done', { exact: true }).waitFor();
    await isShown('Deployed: 100 %');
    // The newer version is the command's own.
    expect(await dialog().getByText('of the flag is deployed by now').count()).toBe(0);
    await opened.page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    // The dialog returns the focus to what has opened it, which stays in place.
    const focused = await opened.page.evaluate(() => document.activeElement?.textContent);
    expect(focused).toContain('Change percentage');
    await isShown('Deployed: 100 %');
    expect(served()).toMatchObject({ enabled: true, rollout_percentage: 100 });

    await session().skipPollInterval();
    await session().publish([JSON.stringify(completion('by-slider', 'skillsoft', LEARNER.known))]);
    const receipt = await until(session(), () => receiptsOf(session(), 'skillsoft', 'by-slider')[0]);
    expect(learningTimeOf(receipt)).toMatchObject({ total_seconds: 18_540 });
  });

  test('a deployment that bakes continues without its dialog; disabling stops it, with one confirmation', async () => {
    session().platform.appConfig.setBakeSeconds(600);
    await open();
    await opened.page.getByLabel('As a number').fill('50');
    await button('Change percentage').click();
    await dialog().getByRole('button', { name: 'Run' }).click();
    await dialog()
      .getByText(/BAKING, 1\d minutes left/)
      .waitFor();
    await opened.page.keyboard.press('Escape');
    await isShown(/is in progress: 1\d minutes left/);
    await isShown('It continues without this page.');
    expect(served()).toMatchObject({ rollout_percentage: 50 });
    expect(await button('Change percentage').getAttribute('aria-disabled')).toBe('true');

    await button('Disable for all enterprises').click();
    await dialog().getByText('./ltw flag disable --stage local').waitFor();
    await confirm();
    await opened.page.getByText('Off', { exact: true }).waitFor();
    expect(served()).toEqual({ enabled: false });

    // Undone, the flag is on again as it was before the disable.
    await button('Revert').click();
    await dialog().getByText('That switches learning time on.').waitFor();
    await confirm();
    expect(served()).toMatchObject({ enabled: true, rollout_percentage: 0 });
  });

  describe('a second operator', () => {
    test('changes the percentage while the first chooses: the page says so', async () => {
      await open();
      await opened.page.getByLabel('As a number').fill('90');
      deployFlag(session().platform, { enabled: true, rollout_percentage: 20 });
      await isShown('The percentage has changed meanwhile');
      await isShown('1 of 2 known enterprises change: on for 1, then for 2');
      await button('Reset').click();
      expect(await opened.page.getByLabel('As a number').inputValue()).toBe('20');
    });

    test('changes the flag while the first confirms: nothing is overwritten', async () => {
      await open();
      await opened.page.getByLabel('As a number').fill('30');
      await button('Change percentage').click();
      deployFlag(session().platform, { enabled: true, rollout_percentage: 20 });
      await dialog()
        .getByText(/^Version \d+ of the flag is deployed by now/)
        .waitFor();
      await dialog().getByRole('button', { name: 'Run' }).click();
      await dialog()
        .getByText(/^nothing is changed: version \d+ of the flag is deployed by now, not \d+$/)
        .waitFor();
      expect(served()).toMatchObject({ rollout_percentage: 20 });
    });

    test('disables at the same time from a terminal: the output of both says that it is off', async () => {
      await open();
      await button('Disable for all enterprises').click();
      await dialog().getByRole('button', { name: 'Run' }).click();
      expect((await runCommand(session(), ['flag', 'disable'])).status).toBe(0);
      await dialog()
        .getByText(/^(done|nothing to do): the flag is off/m)
        .waitFor();
      expect(served()).toEqual({ enabled: false });
    });
  });

  test('pilots, the cache time, any enterprise, and what the ledger says', async () => {
    await session().publish([JSON.stringify(completion('adopted', 'skillsoft', LEARNER.known))]);
    await until(session(), () => receiptsOf(session(), 'skillsoft', 'adopted')[0]);
    await open();
    await opened.page.getByLabel('Id of an enterprise').fill(ENTERPRISE.toUpperCase().replaceAll('-', ''));
    await opened.page.keyboard.press('Enter');
    await isShown(/^Disabled: beyond the percentage: bucket \d+\.\d ≥ 0$/);
    await button('Add as a pilot').click();
    await dialog().getByText('1 of 2 known enterprises change: on for 0, then for 1').waitFor();
    await confirm();
    await isShown('Enabled: pilot');
    expect(served()).toMatchObject({ pilot_enterprises: [ENTERPRISE] });

    await button('Read adoption').click();
    await isShown(/^[1-9]\d* deliver(y|ies) read$/);
    const row = opened.page.getByRole('row').filter({ hasText: ENTERPRISE });
    expect(await row.textContent()).toMatch(/Enabledpilotintegration, pilot, ledger\d+ \/ [1-9]/);
    await opened.page.getByLabel('Enterprises by a part of their id').fill('ent-');
    await row.waitFor({ state: 'detached' });
    await opened.page.getByLabel('Enterprises by a part of their id').fill(ENTERPRISE);
    await button(`Remove pilot ${ENTERPRISE}`).click();
    await confirm();
    expect(served()).not.toHaveProperty('pilot_enterprises');

    await opened.page.getByLabel('Cache time in seconds').fill('59');
    await isShown('A whole number from 60 to 86400');
    await opened.page.getByLabel('Cache time in seconds').fill('600');
    await button('Set cache time').click();
    await confirm();
    expect(served()).toMatchObject({ cache_ttl_seconds: 600 });
  });

  test('many enterprises: at most 100 on the page, in the table and in the list of those that change', async () => {
    const [entry] = session().integrations.byId.values();
    const entries = Array.from({ length: 250 }, (_, index) => ({
      ...{ ...entry, id: `partner-${index}`, enterprise_customer_uuid: `ent-${index}`, region: 'US' },
    }));
    deployIntegrations(session().platform, entries);
    await open();
    await slider().focus();
    await opened.page.keyboard.press('End');
    await isShown('250 of 250 known enterprises change: on for 0, then for 250');
    const list = opened.page.getByRole('region', { name: 'Would be enabled' });
    expect(await list.getByRole('listitem').filter({ hasText: 'ent-' }).count()).toBe(100);
    await list.getByRole('button', { name: '3' }).click();
    await list.getByText('ent-99', { exact: true }).waitFor();
    expect(await list.getByText(/^ent-/).count()).toBe(50);
    const table = opened.page.getByRole('table', { name: 'Enterprises' });
    expect(await table.getByRole('row').count()).toBe(101);
    await opened.page.getByRole('columnheader', { name: 'Why' }).getByRole('button').click();
    expect(await table.getByRole('row').nth(1).textContent()).toContain('bucket 0.');
    expect(await accessibilityViolations(opened.page)).toEqual([]);
  });

  test('phases: each is judged by itself, and one that cannot be read hides no other', async () => {
    await opened.page.route('**/api/rolloutPhase', async (route) => {
      if (route.request().postDataJSON().phase !== 'limited') return route.fallback();
      return route.fulfill({ contentType: 'application/x-ndjson', body: '{"error":"AWS denies the call"}\n' });
    });
    await open();
    await isShown(/^pilot: not yet/);
    await isShown(/^full: not yet/);
    await isShown('could not be read');
    await opened.page.getByText('Phase limited: 10% of enterprises').click();
    await isShown('AWS denies the call');
    await opened.page.getByText('Phase pilot: one enterprise').click();
    await opened.page.getByRole('table', { name: 'Criteria of phase pilot' }).getByText('cache hits').first().waitFor();
    await opened.page.getByRole('button', { name: /^Time over which phases are judged/ }).click();
    const asked = opened.page.waitForRequest((request) => request.postDataJSON()?.hours === 168);
    await opened.page.getByRole('option', { name: 'last 7 days' }).click();
    await asked;
  });

  test('a document that was broken in the AppConfig console: what to do, and disabling works', async () => {
    deployLoose({ enabled: true, rollout_percentage: 250 });
    await open();
    await isShown('The flag cannot be read');
    await isShown(/fix it in the console, or run "\.\/ltw flag revert"/);
    await button('Disable for all enterprises').click();
    await confirm();
    expect(served()).toEqual({ enabled: false });
    await opened.page.getByText('Off', { exact: true }).waitFor();
  });

  test('hostile ids are text, and no command is run with one', async () => {
    deployLoose({ enabled: true, rollout_percentage: 0, pilot_enterprises: HOSTILE });
    await open();
    const table = opened.page.getByRole('table', { name: 'Enterprises' });
    await table.getByText('<script>alert(1)</script>').waitFor();
    const text = await table.textContent();
    expect(text).toContain('\\u{1b}[2j');
    expect(text).toContain('\\u{202e}gnp.exe');
    expect(['\u001b', '\u202e'].filter((character) => text?.includes(character))).toEqual([]);
    expect(await opened.page.locator('img[src="x"], main script').count()).toBe(0);
    for (const remove of await table.getByRole('button', { name: /^Remove pilot (?!a1b2)/ }).all()) {
      expect(await remove.getAttribute('aria-disabled')).toBe('true');
    }
    await opened.page.getByLabel('Id of an enterprise').fill('<script>alert(1)</script>');
    await button('Evaluate').click();
    await isShown('the id of an enterprise must be 1-64 of A-Z a-z 0-9 _ -');
  });

  test.each(['light', 'dark'] as const)(
    'is accessible in %s mode, also while a change is confirmed',
    async (colorScheme) => {
      await opened.page.emulateMedia({ colorScheme });
      await open();
      await isShown(/^full: not yet/);
      await opened.page.getByText('Phase full: all enterprises').click();
      await opened.page.getByLabel('As a number').fill('30');
      await isShown('1 of 2 known enterprises change: on for 0, then for 1');
      expect(await accessibilityViolations(opened.page)).toEqual([]);
      await button('Change percentage').click();
      await dialog().getByText('The same in a terminal').waitFor();
      expect(await accessibilityViolations(opened.page)).toEqual([]);
    },
  );

  /** Deploys values that AppConfig accepts since the attributes have no constraints. */
  function deployLoose(values: object): void {
    const { platform } = session();
    const attributes = { rollout_percentage: {}, pilot_enterprises: {}, cache_ttl_seconds: {} };
    platform.appConfig.deploy(
      output(platform, 'AppConfigApplicationId'),
      output(platform, 'FlagsEnvironmentId'),
      output(platform, 'FlagsProfileId'),
      JSON.stringify({
        ...FLAG_SEED,
        flags: { [FLAG_KEY]: { name: 'Learning time in webhooks', attributes } },
        values: { [FLAG_KEY]: { cache_ttl_seconds: 3600, ...values } },
      }),
    );
  }
});
