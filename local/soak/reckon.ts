import { MIN_LEASE_SECONDS } from '../../lambdas/contract/ledger.ts';
import type { ReconcileReport } from '../../lambdas/contract/reconciliation.ts';
import type { Published } from './publish-events.ts';
import type { Tally } from './tally.ts';

/** What came of a soak. */
export interface SoakOutcome {
  readonly events: number;
  /** Published, copies included. */
  readonly messages: number;
  readonly kills: number;
  /** Times that a function said it went on without the ledger, as far as its last lines tell. */
  readonly unseen: number;
  /** Letters moved back, each time. */
  readonly redriven: readonly number[];
  /** Letters that lie there at the end. */
  readonly letters: number;
  /** Webhooks that no partner took. */
  readonly missing: readonly string[];
  /** Webhooks that partners took and nobody published. */
  readonly strangers: readonly string[];
  /** Webhooks that a partner took more than once. */
  readonly repeated: readonly string[];
  /** Of these, the ones that came again while whoever sent them first held them: no kill excuses that. */
  readonly tooSoon: readonly string[];
  /** Stuck webhooks that the reconciler sent anew on the way. */
  readonly republished: number;
  /** The reconciler's last word. */
  readonly balance: ReconcileReport;
}

/**
 * A sender that was killed is followed by another when its lease ends; what the first one took of it before it asked the
 * partner is less than half of it.
 */
const SOONEST_AGAIN_MS = (MIN_LEASE_SECONDS * 1000) / 2;

/** What partners counted, held against what was published. */
export function count({ webhookIds }: Published, { taken }: Tally) {
  const published = [...webhookIds.values()].flat();
  const known = new Set(published);
  const repeated = [...taken].filter(([, times]) => times.length > 1);
  const isTooSoon = (times: readonly number[]) =>
    times.some((time, at) => at > 0 && time - (times[at - 1] ?? 0) < SOONEST_AGAIN_MS);
  return {
    missing: published.filter((id) => !taken.has(id)),
    strangers: [...taken.keys()].filter((id) => !known.has(id)),
    repeated: repeated.map(([id]) => id),
    tooSoon: repeated.filter(([, times]) => isTooSoon(times)).map(([id]) => id),
  };
}

/**
 * Whether nothing was lost, nothing sent twice but for a kill or without the ledger, and the ledger says just what the
 * partners say.
 */
export function isSound({
  events,
  kills,
  unseen,
  missing,
  strangers,
  repeated,
  tooSoon,
  balance,
}: SoakOutcome): boolean {
  const isBalanced = balance.is_balanced && balance.is_complete && balance.failed === 0;
  const isExcused = unseen > 0 || (kills > 0 && tooSoon.length === 0);
  const faults = missing.length + strangers.length + (isExcused ? 0 : repeated.length);
  return faults === 0 && isBalanced && balance.accepted === events && balance.states.delivered === events;
}
