import type { Delivery, DeliverySubject } from '../../lambdas/events/delivery.ts';
import type { LedgerOptions } from '../../lambdas/ledger/dynamodb-ledger.ts';
import type { Claim, Lease, Ledger, Settlement } from '../../lambdas/ledger/ports.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';

/** Further services of a ledger, for tests of other topics: its circuit breaker never opens, and no outcome is queued. */
export const UNGUARDED = {
  breaker: { failuresToOpen: Number.POSITIVE_INFINITY, openMs: 1, slowMs: Number.POSITIVE_INFINITY },
  queueOutcome: async () => false,
  random: () => 0.5,
} satisfies Partial<LedgerOptions>;

/** A ledger that grants every claim, like the real one while its table is down, and records all calls. */
export function openLedger(overrides: Partial<Ledger> = {}) {
  const accepted: DeliverySubject[] = [];
  const claims: { readonly delivery: Delivery; readonly leaseMs: number }[] = [];
  const settled: { readonly webhookId: string; readonly settlement: Settlement }[] = [];
  const timersKept: Timer[] = [];
  const noted: { readonly webhookId: string; readonly settlement: Settlement }[] = [];
  const calls = { accepted, claims, settled, timersKept, noted };
  const ledger: Ledger & Readonly<typeof calls> = {
    ...calls,
    async accept(subjects) {
      accepted.push(...subjects);
      return new Map();
    },
    timers: async () => new Map(),
    async putTimer(timer) {
      timersKept.push(timer);
      return 'written';
    },
    async claim(delivery, leaseMs): Promise<Claim> {
      claims.push({ delivery, leaseMs });
      return { verdict: 'claimed', lease: { delivery, record: undefined } };
    },
    async settle(lease: Lease, settlement) {
      settled.push({ webhookId: lease.delivery.webhook_id, settlement });
      return true;
    },
    async settleUnclaimed(delivery, settlement) {
      noted.push({ webhookId: delivery.webhook_id, settlement });
      return true;
    },
    ...overrides,
  };
  return ledger;
}
