import { findStage } from '../../lib/stage.ts';
import type { Expense } from '../sender.ts';

/** Messages of one batch: what deployed stages take from the events queue. */
export const BATCH_SIZE = findStage('prod').eventSources.events.batchSize;

/** Who deals with events. */
export type Side =
  /** `enrichEvents`, with the services that EnrichBatch makes. */
  | 'ours'
  /** The same commands to the same servers, and nothing else. */
  | 'bare'
  /** Document 001's code, section 3, event after event. */
  | 'reference';

/** `warm`: every answer is in the cache. `cold`: none is; each event is another learner's. */
export type CacheState = 'warm' | 'cold';

/** What the sender is asked to do. Batches are dealt with one after another, as one function environment does. */
export interface Order {
  readonly side: Side;
  readonly cache: CacheState;
  /** When it may stop, at the end of a batch: after so many milliseconds, or so many events. */
  readonly until: { readonly ms: number } | { readonly events: number };
}

/** What came of it. */
export interface Enriched extends Expense {
  readonly events: number;
  /** Of each batch of ours: how long its cache lookup took. */
  readonly lookupMs: readonly number[];
  /** What is left on the heap after a collection. */
  readonly heapBytes: number;
}
