import { expect, test } from '@jest/globals';
import type { ArchitectureNumbers, PipelineCounts } from '../../../commands/console/operations/architecture.ts';
import { edgeNumbers, errorsOf, nodeNumbers } from '../../../console/architecture/numbers.ts';
import { BUSY } from './sample-numbers.ts';

test('a busy hour', () => {
  expect(edgeNumbers(BUSY)).toEqual({
    ...{ published: '1,234,567 (20,576.1 a minute)', eventsWaiting: '123,456 waiting', malformed: '12,345' },
    ...{ enriched: '1,234,567', enrichedLater: '12,345 for the warehouse', deliveriesWaiting: '123,456 waiting' },
    ...{ sent: '1,239,678 attempts, 99.5 %', retried: '12,345 retried, 12,345 parked', dead: '12,345' },
    ...{ executions: '12,345 started', executionFailed: '12,345', rescued: '12,345' },
    ...{ queries: '1,234 of 12,345 failed', cacheReads: '99.9 % hits', cacheLoads: '1,000,000 entries' },
    ...{ limiter: '12,345 deferred', reconciled: '12,345 found', resent: '12,345' },
  });
  expect(nodeNumbers(BUSY)).toEqual({ edlq: '123,912 messages', ddlq: '123,912 messages' });
  expect(errorsOf(BUSY)).toEqual([]);
});

test('an hour without traffic has no rates, and nothing that has not run has a number', () => {
  const none = Object.fromEntries(Object.keys(BUSY.counts).map((key) => [key, 0])) as unknown as PipelineCounts;
  const quiet: ArchitectureNumbers = {
    ...BUSY,
    counts: none,
    warehouse: { queries: 1, failed: 0, skipped: 0, circuit_breaker: 'closed' },
    warming: { ...BUSY.warming, entries: null },
    reconciler: { last_run: null, unbalanced: null, is_balanced: null },
  };
  expect(edgeNumbers(quiet)).toMatchObject({
    ...{ published: '0 (0 a minute)', sent: 'no attempts', queries: '1 query', cacheReads: 'no look-ups' },
    ...{ cacheLoads: 'no run', reconciled: 'no run' },
  });
});

test('a part that is denied has no numbers, gives its reason once, and hides no other', () => {
  const error = 'AWS denies cloudwatch:GetMetricData';
  const denied: ArchitectureNumbers = {
    ...BUSY,
    ...{ counts: { error }, warehouse: { error }, queues: { error: 'AWS denies sqs:GetQueueAttributes' } },
  };
  expect(errorsOf(denied)).toEqual([error, 'AWS denies sqs:GetQueueAttributes']);
  expect(edgeNumbers(denied)).toMatchObject({
    ...{ published: '-', eventsWaiting: '-', sent: '-', queries: '-', cacheLoads: '1,000,000 entries' },
  });
  expect(nodeNumbers(denied)).toEqual({ edlq: '-', ddlq: '-' });
});
