import type { Ledger } from '../lambdas/ledger/ports.ts';

/** Grants whatever is asked for and remembers nothing: deliveries without a ledger. */
export const NO_LEDGER: Ledger = {
  accept: async () => new Map(),
  timers: async () => new Map(),
  putTimer: async () => 'written',
  claim: async (delivery) => ({ verdict: 'claimed', lease: { delivery, record: undefined } }),
  settle: async () => true,
  settleUnclaimed: async () => true,
};
