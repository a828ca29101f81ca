import { expect, test } from '@jest/globals';
import { runningSession } from '../e2e/running-session.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { accessibilityViolations, consoleInBrowser, MISSING } from './console-in-browser.ts';

describeWithPart('the overview', MISSING, () => {
  const session = runningSession();
  const opened = consoleInBrowser(session);

  test('shows the alarms, and the token leaves the address at once', async () => {
    await opened.open();
    await opened.page.waitForSelector('text=of 47 alarms in ALARM');
    expect(new URL(opened.page.url()).hash).toBe('');
  });

  test.each(['light', 'dark'] as const)('is accessible in %s mode', async (colorScheme) => {
    await opened.page.emulateMedia({ colorScheme });
    await opened.open();
    await opened.page.waitForSelector('text=alarms in ALARM');
    expect(await accessibilityViolations(opened.page)).toEqual([]);
  });
});
