import type { Expense } from '../cpu.ts';

/** From a request until its response. */
export const PARTNER_DELAY_MS = 50;
export const TABLE_LATENCY_MS = 5;

export type Side = 'on' | 'off';

export type Order =
  /** Creates batches of new events, and writes them into the ledger if there is one. */
  | { readonly kind: 'prepare'; readonly ledger: Side; readonly batches: number; readonly batchesAtOnce: number }
  /** Delivers the prepared batches, and discards the rest. */
  | { readonly kind: 'deliver'; readonly ledger: Side; readonly durationMs: number; readonly batchesAtOnce: number };

export interface Performed extends Expense {
  /** Of each batch that was prepared; of each delivery, from before its claim until it is settled. */
  readonly durationsMs: readonly number[];
  /** Valkey did not respond in time, once or more: some deliveries went by the environment’s own rate limiter. */
  readonly isValkeyLost: boolean;
}
