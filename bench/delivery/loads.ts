import type { Expense } from '../sender.ts';

/** Deliveries of one batch: SQS's most for a function without a batching window. */
export const BATCH_SIZE = 10;

/** What the sender is asked to do for a while. */
export type Load =
  /** The bare loop: so many POSTs in flight at any time. */
  | { readonly kind: 'bare'; readonly inFlight: number }
  /** The same with our sender: what guard, kept sockets and deadline cost. */
  | { readonly kind: 'sender'; readonly inFlight: number }
  /** Signing, guard and limits, and nothing else of ours: deliveries of one partner through its gate. */
  | { readonly kind: 'signed'; readonly batchesAtOnce: number }
  /** The whole function: batches for `receivers`, so many of them side by side, without some part of it. */
  | {
      readonly kind: 'ours';
      readonly receivers: Receivers;
      readonly batchesAtOnce: number;
      readonly without?: 'log' | 'gate';
    };

/** `many`: each of a batch's deliveries is for another integration. */
export type Receivers = 'many' | 'one';

export interface Order {
  readonly load: Load;
  readonly durationMs: number;
}

/** What the sender did. */
export interface Performance extends Expense {
  readonly deliveries: number;
  /** The gate's server did not answer in time, once or more: some deliveries went by the environment’s own limiter. */
  readonly isGateLost: boolean;
}

/** Where the sender finds the integrations and their secrets. */
export const CONFIGURATION = {
  applicationId: 'bench01',
  environmentId: 'bench02',
  profileId: 'bench03',
  secretsPrefix: '/bench/integrations/',
} as const;

/** What the sender is told of a ledger, whether it has one or not. The log stream is as long as Lambda's are. */
export const LEDGER = {
  LEDGER_TABLE_NAME: 'ledger',
  LEDGER_PAYLOAD_DAYS: '30',
  LEDGER_FACTS_DAYS: '400',
  LEDGER_FAILURES_TO_OPEN: '5',
  LEDGER_OPEN_SECONDS: '10',
  LEDGER_SLOW_MILLISECONDS: '1000',
  /** Nothing goes there: the benchmarks' tables respond. */
  OUTCOMES_QUEUE_URL: 'http://127.0.0.1:9/000000000000/outcomes',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/10/[$LATEST]0123456789abcdef0123456789abcdef',
} as const;

/** So many integrations share the load of `many`, ten in each batch. */
export const INTEGRATION_IDS: readonly string[] = Array.from({ length: 50 }, (_, index) => `partner-${index}`);

/** The most that an integration may say. One alone would be held at 980 a second; fifty are not. */
export const MAX_REQUESTS_PER_MINUTE = 60_000;

/** For `one`: a limit that no machine reaches. The gate keeps it like any other; only the document's schema has less. */
export const LIMIT_OUT_OF_REACH = 1e10;
