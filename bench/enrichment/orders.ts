import { EVENTS_MAPPINGS } from '../changed-assembly.ts';
import type { Expense } from '../cpu.ts';

/** Batch size of the events queue with a batching window: the largest, and that of a backlog. */
export const BATCH_SIZE = EVENTS_MAPPINGS.window.batchSize;

/** Implementations that process events. */
export type Side =
  /** `enrichEvents`, with the services that EnrichBatch makes. */
  | 'ours'
  /** The same commands to the same servers, and nothing else. */
  | 'bare'
  /** The reference implementation of the original specification, one event after another. */
  | 'reference';

/** `warm`: the cache has every learning time. `cold`: it has none; each event is another learner's. */
export type CacheState = 'warm' | 'cold';

/** Batches are processed one after another, as one function environment does. */
export interface Order {
  readonly side: Side;
  readonly cache: CacheState;
  /** When to stop, at the end of a batch: after some milliseconds, or some events. */
  readonly until: { readonly ms: number } | { readonly events: number };
}

export interface Enriched extends Expense {
  /** Duration of the cache lookup, for each batch of ours. */
  readonly lookupMs: readonly number[];
  /** Heap after a collection. */
  readonly heapBytes: number;
}
