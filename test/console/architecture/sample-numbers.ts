import type { ArchitectureNumbers } from '../../../commands/console/operations/architecture.ts';

const WAITING = { waiting: 123_000, in_flight: 456, delayed: 456, oldest_seconds: 90 };

/** Of an hour that is busier than any, so that each number is long. */
export const BUSY = {
  read_at: '2026-01-15T12:00:00.000Z',
  counts: {
    ...{ eventsSent: 1_234_567, deliveriesSent: 1_234_567, succeeded: 1_234_000, failed: 5_678, rejected: 12_345 },
    ...{ queryRetries: 12_345, retried: 12_345, parked: 12_345, deferred: 12_345, dead: 12_345, rescued: 12_345 },
    ...{ resent: 12_345, cacheHits: 999, cacheMisses: 1, executionsStarted: 12_345, executionsFailed: 12_345 },
  },
  queues: ['events', 'deliveries', 'events dead-letter queue', 'deliveries dead-letter queue'].map((queue) => ({
    queue,
    ...WAITING,
  })),
  warehouse: { queries: 12_345, failed: 1_234, skipped: 5, circuit_breaker: 'open' },
  warming: {
    ...{ last_run: '2026-01-15T11:45:00.000Z', is_behind: false, last_complete: '2026-01-15T10:00:00.000Z' },
    ...{ entries: 1_000_000, table_changed: '2026-01-15T09:45:00.000Z', unreadable: 3 },
  },
  reconciler: { last_run: '2026-01-15T11:00:00.000Z', unbalanced: 12_345, is_balanced: false },
} as const satisfies ArchitectureNumbers;
