import type { DeliveryState } from '../../lambdas/ledger/record.ts';

/** What can be asked for: whatever is accepted or delivering is in flight. */
export const REPLAYED_STATES = [
  'dead',
  'delivered',
  'parked',
  'scheduled',
  'filtered',
  'cancelled',
] as const satisfies readonly DeliveryState[];

/** Deliveries a second. */
export const REPLAY_RATE = { usual: 10, most: 100 } as const;

/** Messages a second; SQS takes 1 to 500. */
export const REDRIVE_RATE = { usual: 10, most: 500 } as const;
