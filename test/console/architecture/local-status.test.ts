import { expect, test } from '@jest/globals';
import { parseLocalStatus } from '../../../console/architecture/local-status.ts';

test('the time and the switches of what the local platform prints', () => {
  const text = `time         2026-01-15T12:00:00Z
flag         off
warehouse    down
cache        up
appconfig    up
partner      skillsoft: 200
partner      partner-flaky: 503, then 200
partner      partner-inactive: 200 (integration not active)
queue        events: 0 waiting, 0 in flight
workflow     1 running
             wh_1-g0 waits: partner x
dead-letter  events: 0
webhooks     3 received`;
  const positions = ['up', 'down', '503', 'hang'];
  expect(parseLocalStatus(text)).toEqual({
    time: '2026-01-15T12:00:00Z',
    switches: [
      { words: ['warehouse'], state: 'down', positions: ['up', 'down', 'hang'] },
      { words: ['appconfig'], state: 'up', positions: ['up', 'down'] },
      { words: ['partner', 'skillsoft'], state: '200', positions },
      { words: ['partner', 'partner-flaky'], state: '503, then 200', positions },
      { words: ['partner', 'partner-inactive'], state: '200 (integration not active)', positions },
    ],
  });
});

test('a text that is none of it has no switches', () => {
  expect(parseLocalStatus('')).toEqual({ time: '', switches: [] });
  expect(parseLocalStatus('partner')).toEqual({ time: '', switches: [] });
});
