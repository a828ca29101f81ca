import { expect, test } from '@jest/globals';
import { LocalMetrics } from '../../local/metrics.ts';

test('a value more costs no more where old ones are dropped, and at least 100,000 are kept', () => {
  const metrics = new LocalMetrics();
  const id = { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName: 'events' } };
  const startedMs = performance.now();
  // Of a queue that is sampled every minute: 91 days.
  const values = 91 * 24 * 60;
  for (let at = 0; at < values; at += 1) metrics.record(id, at, [at]);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  const kept = metrics.between(id, 0, values);
  expect(kept.length).toBeGreaterThanOrEqual(100_000);
  expect(kept.length).toBeLessThan(110_000);
  expect(kept.at(-1)?.at).toBe(values - 1);
});
