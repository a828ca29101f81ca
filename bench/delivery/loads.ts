import type { Expense } from '../cpu.ts';

/** Deliveries of one batch: SQS's maximum for a function without a batching window. */
export const BATCH_SIZE = 10;

/** A load of the sender. */
export type Load =
  /** The bare loop, with a number of POSTs in flight. */
  | { readonly kind: 'bare'; readonly inFlight: number }
  /** Signing, guard and limits, and nothing else of ours: deliveries of one partner through its limiter. */
  | { readonly kind: 'signed'; readonly batchesAtOnce: number }
  /** The whole function. `many`: each delivery of a batch is for another integration. */
  | { readonly kind: 'whole'; readonly partners: 'many' | 'one'; readonly batchesAtOnce: number };

export interface Order {
  readonly load: Load;
  readonly durationMs: number;
}

/** The sender's results. */
export interface Delivered extends Expense {
  /** Valkey did not respond in time, once or more: some deliveries went by the environment’s own rate limiter. */
  readonly isValkeyLost: boolean;
}

/** `many` partners: these integrations share the load, ten in each batch. */
export const INTEGRATION_IDS: readonly string[] = Array.from({ length: 50 }, (_, index) => `partner-${index}`);

/** The maximum of an integration. It would limit one partner to 980 a second; it does not limit fifty. */
export const MAX_REQUESTS_PER_MINUTE = 60_000;

/** For `one` partner: a limit that no machine reaches. Only the document's schema has a lower maximum. */
export const LIMIT_OUT_OF_REACH = 1e10;
