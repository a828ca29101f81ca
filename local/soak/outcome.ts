import type { ReconcileReport } from '../../lambdas/ledger/reconciliation.ts';
import { MIN_LEASE_SECONDS } from '../../lambdas/ledger/record.ts';
import { equation } from '../demo/operator.ts';
import type { OnReceipt } from '../demo/partner.ts';
import type { Published } from './publish-events.ts';

/** The partners' responses, by `webhook-id`. */
export interface Tally {
  readonly record: OnReceipt;
  /** When a partner responded 2xx, each time, in epoch milliseconds. */
  readonly taken: ReadonlyMap<string, readonly number[]>;
  /** How often a partner responded otherwise. */
  readonly refused: ReadonlyMap<string, number>;
}

export function startTally(): Tally {
  const taken = new Map<string, number[]>();
  const refused = new Map<string, number>();
  return {
    taken,
    refused,
    record({ headers, received_at }, status) {
      const id = String(headers['webhook-id']);
      if (typeof status === 'number' && status >= 200 && status < 300) {
        const times = taken.get(id) ?? [];
        taken.set(id, [...times, Date.parse(received_at)]);
      } else refused.set(id, (refused.get(id) ?? 0) + 1);
    },
  };
}

/** The outcome of a soak. */
export interface SoakOutcome {
  readonly events: number;
  /** Published, copies included. */
  readonly messages: number;
  readonly kills: number;
  /** How often a function logged that it continued without the ledger, in the lines that are kept. */
  readonly unseen: number;
  /** Dead-letter messages moved back by each redrive. */
  readonly redriven: readonly number[];
  /** Dead-letter messages at the end. */
  readonly deadLetters: number;
  /** Deliveries that no partner accepted. */
  readonly missing: readonly string[];
  /** Deliveries that a partner accepted and the soak did not publish. */
  readonly strangers: readonly string[];
  /** Deliveries that a partner accepted more than once. */
  readonly repeated: readonly string[];
  /** Of these, those sent again within the first sender's lease: no kill explains that. */
  readonly tooSoon: readonly string[];
  /** Stuck deliveries that the reconciler resent. */
  readonly resent: number;
  /** The reconciler's last report. */
  readonly balance: ReconcileReport;
}

/**
 * After a kill, the next sender starts when the lease ends. The first one sends its request within the first half of the
 * lease.
 */
const SOONEST_AGAIN_MS = (MIN_LEASE_SECONDS * 1000) / 2;

/** Compares the partners' responses with what was published. */
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
 * Whether no event was lost, none was accepted twice except after a kill or without the ledger, and the ledger agrees with
 * the partners.
 */
export function isSound(outcome: SoakOutcome): boolean {
  const { events, kills, unseen, missing, strangers, repeated, tooSoon, balance } = outcome;
  const isBalanced = balance.is_balanced && balance.is_complete && balance.failed === 0;
  const isExcused = unseen > 0 || (kills > 0 && tooSoon.length === 0);
  const faults = missing.length + strangers.length + (isExcused ? 0 : repeated.length);
  return faults === 0 && isBalanced && balance.accepted === events && balance.states.delivered === events;
}

/** Ids listed of each kind, at most. */
const MAX_LISTED = 10;

/** The outcome of a soak as text. */
export function describeSoak(outcome: SoakOutcome): string {
  const { events, messages, kills, unseen, redriven, deadLetters, resent, balance } = outcome;
  const { missing, strangers, repeated, tooSoon } = outcome;
  return [
    `${events} events in ${messages} messages, ${kills} functions killed, dead-letter messages redriven: ${redriven.join(', then ')}`,
    `partners accepted ${events - missing.length} of ${events}, and ${repeated.length} of them more than once`,
    `the ledger: ${equation(balance)}`,
    ...(unseen > 0 ? [`functions continued without the ledger ${unseen} times`] : []),
    `the reconciler resent ${resent}; ${deadLetters} dead-letter messages remain`,
    ...named('never accepted', missing),
    ...named('accepted, and never published', strangers),
    ...named('accepted more than once', repeated),
    ...named('accepted again immediately', tooSoon),
    isSound(outcome) ? 'Sound: no event is lost, and the ledger agrees with the partners.' : 'NOT SOUND.',
  ].join('\n');
}

function named(what: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return [];
  const more = ids.length > MAX_LISTED ? ` and ${ids.length - MAX_LISTED} more` : '';
  return [`${what}: ${ids.slice(0, MAX_LISTED).join(' ')}${more}`];
}
