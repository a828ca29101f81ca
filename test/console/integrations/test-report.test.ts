import { expect, test } from '@jest/globals';
import { parseTestReport, phasesOf } from '../../../console/integrations/test-report.ts';
import { DELIVERED } from '../../commands/operator-world.ts';

test('the report is the document that the command prints', () => {
  const report = { stage: 'local', ...DELIVERED, explanation: [] };
  expect(parseTestReport(`${JSON.stringify(report)}\n`)).toEqual(report);
  expect(parseTestReport('')).toBeUndefined();
  expect(parseTestReport('{"verdict": "deliv')).toBeUndefined();
});

test('phases follow each other, and the first byte is counted from the end of the connection', () => {
  const phases = phasesOf({ dnsMs: 1, connectMs: 10, tlsMs: 20, firstByteMs: 50, totalMs: 51 });
  expect(phases.map(({ name, fromMs, durationMs }) => [name, fromMs, durationMs])).toEqual([
    ['DNS', 0, 1],
    ['connect', 1, 10],
    ['TLS', 11, 20],
    ['request to first byte', 31, 19],
    ['rest of the response', 50, 1],
    ['total', 0, 51],
  ]);
});

test('a phase that was not reached, and a kept connection, have no bar', () => {
  const timeout = phasesOf({ connectMs: 10, totalMs: 5000 });
  expect(timeout.filter(({ durationMs }) => durationMs !== undefined).map(({ name }) => name)).toEqual([
    'connect',
    'total',
  ]);
  const kept = phasesOf({ firstByteMs: 5, totalMs: 6 });
  expect(kept.find(({ name }) => name === 'request to first byte')).toEqual({
    name: 'request to first byte',
    fromMs: 0,
    durationMs: 5,
  });
});
