import { findStage } from '../../lib/stage.ts';
import type { Expense } from '../cpu.ts';

/** Messages of one batch: what deployed stages take from the events queue. */
export const BATCH_SIZE = findStage('prod').eventSources.events.batchSize;

/** Who processes events. */
export type Side =
  /** `enrichEvents`, with the services that EnrichBatch makes. */
  | 'ours'
  /** The same commands to the same servers, and nothing else. */
  | 'bare'
  /** Document 001's code, section 3, event after event. */
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
  /** Of each batch of ours: how long its cache lookup took. */
  readonly lookupMs: readonly number[];
  /** What is left on the heap after a collection. */
  readonly heapBytes: number;
}
