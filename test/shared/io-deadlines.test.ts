import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ioDeadlines } from '../../lambdas/shared/io-deadlines.ts';

test('a stage’s factor multiplies its deadlines, and nothing else', () => {
  const { clients, valkey } = ioDeadlines(10);
  expect(clients.ledger).toEqual({
    ...{ connectMs: 5_000, responseMs: 10_000, callMs: 20_000 },
    ...{ maxAttempts: 2, maxSockets: 100 },
  });
  expect(valkey).toEqual({ commandMs: 2_000, firstConnectionMs: 5_000, reconnectionMs: 2_000, connectMs: 20_000 });
});

/** The files that pass the deadlines to adapters. */
const COMPOSITIONS = ['{delivery,enrichment,operations,status}/*.ts', 'partners/appconfig-integrations.ts'];

describe('the functions', () => {
  const folder = join(import.meta.dirname, '../../lambdas');
  const compositions = globSync(COMPOSITIONS, { cwd: folder }).map((name) => readFileSync(join(folder, name), 'utf8'));

  test('use their stage’s deadlines for AWS', () => {
    const calls = compositions.flatMap((text) => text.match(/openClient\([^)]*/g) ?? []);
    expect(calls).not.toEqual([]);
    expect(calls.filter((call) => !call.includes('deadlines.clients.'))).toEqual([]);
  });

  test('multiply the ledger’s slow response by the factor', () => {
    const ledger = readFileSync(join(folder, 'ledger/dynamodb-ledger.ts'), 'utf8');
    expect(ledger.match(/environment\.LEDGER_SLOW_MILLISECONDS\b.*/g)).toEqual([
      'environment.LEDGER_SLOW_MILLISECONDS * environment.IO_DEADLINE_FACTOR,',
    ]);
    expect(compositions.join('')).not.toContain('LEDGER_SLOW_MILLISECONDS');
  });

  test.each([
    ['createValkeyCache', 'deadlines: deadlines.valkey'],
    ['createValkeyLimiter', 'deadlines: deadlines.valkey'],
    ['createConfigurationSource', '...deadlines.configuration'],
    ['createFlagSource', '...deadlines.configuration'],
    ['createSecretSource', '...deadlines.secret'],
    ['readDatedSecret', '...deadlines.secret'],
    ['createMetricReader', '...deadlines.metrics'],
    ['createFailureSearch', '...deadlines.failureSearch'],
    ['createHttpsSender', '...deadlines.sender'],
  ])('%s has %s', (create, given) => {
    const calls = compositions.flatMap((text) => text.match(new RegExp(`\\b${create}\\(\\{[^}]*`, 'g')) ?? []);
    expect(calls).not.toEqual([]);
    expect(calls.filter((call) => !call.includes(given))).toEqual([]);
  });
});
