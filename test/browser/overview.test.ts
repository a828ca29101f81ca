import { beforeAll, expect, test } from '@jest/globals';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { publishTo, runCommand, runningSession } from '../e2e/running-session.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { accessibilityViolations, consoleInBrowser, MISSING } from './console-in-browser.ts';

describeWithPart('the overview', MISSING, () => {
  const session = runningSession();
  const opened = consoleInBrowser(session);

  beforeAll(async () => {
    await publishTo(session(), 'skillsoft', ['one', 'two', 'three']);
    await publishTo(session(), 'partner-refusing', ['refused']);
    await awaitQuiet(session());
    await session().skip(5 * 60_000);
  });

  const number = (label: string) => opened.page.getByRole('link', { name: new RegExp(`^${label}: `) });
  /** What a number says, once it was read. */
  const textOf = async (label: string) => number(label).textContent();

  /** As an operator opens it, until its charts are drawn. */
  async function openDrawn(path = '/'): Promise<void> {
    await opened.open(path);
    await opened.page.getByRole('heading', { name: 'Success rate of attempts' }).waitFor();
  }

  test('has the numbers of ./ltw status', async () => {
    await openDrawn();
    const { lines } = await runCommand(session(), ['status', '--json']);
    const { alarms, queues, flag, integrations } = JSON.parse(lines.join(''));
    const dead = queues.at(-1).waiting + queues.at(-2).waiting;
    const active = integrations.filter(({ state }: { state: string }) => state === 'active').length;
    expect(dead).toBe(1);
    expect(flag.enabled).toBe(false);
    expect(await textOf('Alarms')).toBe(String(alarms.in_alarm.length));
    expect(await textOf('Dead letters')).toBe('1');
    expect(await textOf('Flag')).toBe('off');
    expect(await textOf('Active integrations')).toBe(`${active} of ${integrations.length}`);
  });

  test('counts what came in and what went out, as CloudWatch has it', async () => {
    await openDrawn();
    expect(await textOf('Events in')).toBe('4');
    expect(await textOf('Deliveries out')).toBe('3');
    expect(await textOf('Success rate')).toBe('75 %');
    await opened.page.getByText('1 failed attempt', { exact: true }).waitFor();
  });

  test('lists the alarms that are in ALARM, each with its section of the runbook', async () => {
    await openDrawn();
    const row = opened.page.getByRole('row', { name: /dead-deliveries/ });
    await row.getByRole('link').click();
    const dialog = opened.page.getByRole('dialog', { name: 'Runbook: dead-deliveries' });
    await dialog.getByText('./ltw').first().waitFor();
    await opened.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  test('shows the last week, and its address does, too', async () => {
    await openDrawn();
    await opened.page.getByRole('button', { name: 'Last week' }).click();
    await opened.page.getByText('in the last week').first().waitFor();
    expect(new URL(opened.page.url()).search).toBe('?span=week');
    await opened.page.reload();
    await opened.page.getByText('in the last week').first().waitFor();
    expect(await textOf('Events in')).toBe('4');
  });

  test.each([
    ['Dead letters', '/dead-letters'],
    ['Parked', '/deliveries?state=parked'],
    ['Flag', '/rollout'],
    ['Active integrations', '/integrations'],
    ['Waiting in queues', '/architecture'],
  ])('%s leads to its details, by the keyboard alone', async (label, address) => {
    await openDrawn();
    await number(label).focus();
    await opened.page.keyboard.press('Enter');
    await opened.page.getByRole('link', { name: /^Alarms: / }).waitFor({ state: 'detached' });
    const { pathname, search } = new URL(opened.page.url());
    expect(`${pathname}${search}`).toBe(address);
  });

  test('metrics that AWS denies hide nothing else', async () => {
    await opened.page.route('**/api/overviewCharts', (route) =>
      route.fulfill({ contentType: 'application/x-ndjson', body: '{"error":"AWS denies the call: GetMetricData"}\n' }),
    );
    await opened.open();
    await opened.page.getByText('AWS denies the call: GetMetricData').waitFor();
    expect(await textOf('Events in')).toBe('not known');
    expect(await textOf('Dead letters')).toBe('1');
  });

  test.each(['light', 'dark'] as const)('is accessible in %s mode', async (colorScheme) => {
    await opened.page.emulateMedia({ colorScheme });
    await openDrawn();
    expect(await accessibilityViolations(opened.page)).toEqual([]);
  });
});
