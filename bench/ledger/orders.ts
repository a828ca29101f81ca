import type { Expense } from '../sender.ts';
import type { Capacity } from './capacity.ts';

/** Webhooks have a payload of so many bytes: what docs/costs.md reckons with. */
export const PAYLOAD_BYTES = 2048;

/** From a request until its answer, in milliseconds. */
export const PARTNER_DELAY_MS = 50;
export const TABLE_LATENCY_MS = 5;

/** What the sender is asked to do. */
export type Order =
  /** Makes batches that it has never had, and writes them into the ledger where there is one. */
  | { readonly kind: 'prepare'; readonly ledger: Side; readonly batches: number; readonly batchesAtOnce: number }
  /** Delivers what was prepared, so many batches side by side at any time, and forgets what is left of it. */
  | { readonly kind: 'deliver'; readonly ledger: Side; readonly durationMs: number; readonly batchesAtOnce: number }
  /** Accepts and delivers so many batches, and counts what the table is asked for. */
  | { readonly kind: 'count'; readonly batches: number };

export type Side = 'on' | 'off';

/** What writing events into the ledger took. */
export interface Accepted extends Expense {
  readonly events: number;
  /** Of each batch. */
  readonly batchMs: readonly number[];
}

export interface Delivered extends Expense {
  readonly deliveries: number;
  /** Of each, from before its claim until it is written down: among ten of a batch, side by side. */
  readonly deliveryMs: readonly number[];
  /** The gate's server did not answer in time, once or more: some deliveries went by the environment’s own limiter. */
  readonly isGateLost: boolean;
}

export interface Counted {
  readonly events: number;
  readonly accept: Capacity;
  readonly deliver: Capacity;
}

/** What comes of an order. */
export type Outcome = Accepted | Delivered | Counted;
