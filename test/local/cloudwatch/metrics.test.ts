import { expect, test } from '@jest/globals';
import { LocalMetrics } from '../../../local/cloudwatch/metrics.ts';

test('of each metric the newest values are kept, 100,000 to 110,000', () => {
  const metrics = new LocalMetrics();
  const id = { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName: 'events' } };
  for (let at = 0; at < 110_001; at += 1) metrics.record(id, at, [at]);
  const kept = metrics.between(id, 0, Number.POSITIVE_INFINITY);
  expect([kept.length, kept.at(-1)?.at]).toEqual([100_001, 110_000]);
});
