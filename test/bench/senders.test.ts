import { expect, test } from '@jest/globals';
import { bench } from '../../bench/senders/bench.ts';

test('each client posts to the same partner, and is loaded in a process of its own', async () => {
  const { figures } = await bench.measure({ rounds: '1', seconds: '0.05' });
  for (const client of ['node_https', 'fetch', 'undici']) {
    for (const what of ['per_second', 'cpu', 'first_use']) {
      const found = figures.find(({ name }) => name === `senders.${client}.${what}`);
      expect(found?.value).toBeGreaterThan(0);
      expect(found?.against).toBe(client === 'node_https' ? null : 'node:https');
    }
  }
}, 60_000);
