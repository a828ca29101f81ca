import type { Ledger } from '../lambdas/ledger/ports.ts';

/** Deliveries without a ledger: grants every claim and stores nothing. */
export const NO_LEDGER: Ledger = {
  accept: async () => new Map(),
  timers: async () => new Map(),
  putTimer: async () => 'written',
  claim: async (delivery) => ({ verdict: 'claimed', lease: { delivery, record: undefined } }),
  settle: async () => true,
  settleUnclaimed: async () => true,
};
