import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { IO_DEADLINES, ioDeadlines } from '../../lambdas/shared/io-deadlines.ts';

describe('the deadlines of a stage', () => {
  test('are those of production with the factor 1', () => {
    expect(ioDeadlines(1)).toEqual(IO_DEADLINES);
  });

  test('are multiplied, and nothing else is', () => {
    const { clients, valkey, configuration } = ioDeadlines(10);
    expect(clients.ledger).toEqual({
      maxAttempts: 2,
      connectMs: 5_000,
      responseMs: 10_000,
      callMs: 20_000,
      maxSockets: 100,
    });
    expect(valkey).toEqual({ commandMs: 2_000, firstConnectionMs: 5_000, reconnectionMs: 2_000, connectMs: 20_000 });
    expect(configuration).toEqual({ pollTimeoutMs: 5_000, firstPollTimeoutMs: 30_000 });
  });
});

/** Where adapters get their deadlines. */
const COMPOSITIONS = ['{delivery,enrichment,operations,status}/*.ts', 'partners/appconfig-integrations.ts'];

describe('the functions', () => {
  const folder = join(import.meta.dirname, '../../lambdas');
  const compositions = globSync(COMPOSITIONS, { cwd: folder }).map((name) => readFileSync(join(folder, name), 'utf8'));

  test('wait for AWS as long as their stage says', () => {
    const calls = compositions.flatMap((text) => text.match(/openClient\([^)]*/g) ?? []);
    expect(calls).not.toEqual([]);
    expect(calls.filter((call) => !call.includes('deadlines.clients.'))).toEqual([]);
  });

  test('call the ledger slow by the same measure', () => {
    const ledger = readFileSync(join(folder, 'ledger/dynamodb-ledger.ts'), 'utf8');
    expect(ledger.match(/environment\.LEDGER_SLOW_MILLISECONDS\b.*/g)).toEqual([
      'environment.LEDGER_SLOW_MILLISECONDS * environment.IO_DEADLINE_FACTOR,',
    ]);
    expect(compositions.join('')).not.toContain('LEDGER_SLOW_MILLISECONDS');
  });

  // What `io-deadlines.ts` names, by the function that takes it.
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
  ])('%s is given %s', (create, given) => {
    const calls = compositions.flatMap((text) => text.match(new RegExp(`\\b${create}\\(\\{[^}]*`, 'g')) ?? []);
    expect(calls).not.toEqual([]);
    expect(calls.filter((call) => !call.includes(given))).toEqual([]);
  });
});
