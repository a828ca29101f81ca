import { expect, test } from '@jest/globals';
import { bench } from '../../bench/bundles/bench.ts';

test('each function’s bundle is loaded as it is deployed, and beside it one with everything at once', async () => {
  const { figures } = await bench.measure({ rounds: '1' });
  const named = (name: string) => figures.find((figure) => figure.name === `bundles.${name}`);
  for (const entry of ['enrich_batch', 'enrich_task', 'deliver_batch', 'deliver_task']) {
    expect(named(`${entry}.load`)?.value).toBeGreaterThan(0);
    // Not how fast, which depends on the machine, but how much: what is split off is not read.
    expect(named(`${entry}.size`)?.ratio).toBeLessThan(0.5);
  }
  expect(named('enrich_batch.load')?.target).toEqual({ of: 'ratio', is: 'at most', bound: 0.35 });
  expect(named('enrich_batch.first_miss')?.value).toBeGreaterThan(0);
}, 120_000);
