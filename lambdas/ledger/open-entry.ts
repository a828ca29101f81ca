import { MINUTE_MS } from '../shared/durations.ts';
import type { OpenEntry } from './ports.ts';
import type { LedgerRecord } from './record.ts';
import { isFinal, isFirstClaim } from './transitions.ts';

/**
 * A run of the reconciler lists what was accepted up to this long ago, in milliseconds: most deliveries have ended by then, and
 * need no open entry. Shorter than the shortest time after which a delivery in flight is stuck (30 minutes by default), so that
 * the first run that can find it stuck has listed it.
 */
export const LISTED_AFTER_MS = 5 * MINUTE_MS;

/** How much of the time before it each run lists again, in milliseconds, for what the index did not list yet. */
export const LISTED_AGAIN_MS = 15 * MINUTE_MS;

/**
 * A record that is listed for the first time this long after the acceptance, in milliseconds, may be missed by the runs: they
 * find what is listed within `LISTED_AFTER_MS` and `LISTED_AGAIN_MS` together. The difference of five minutes is for clocks that
 * disagree, and for the index, which is eventually consistent.
 */
export const LATE_AFTER_MS = 15 * MINUTE_MS;

/**
 * A closed delivery's entry is deleted when it is this old, in milliseconds: the writer that reopens a delivery writes the entry
 * first, and the record next.
 */
export const REMOVED_AFTER_MS = LISTED_AFTER_MS;

/** The entry of a delivery that is written now: it is reopened, or its record is late. */
export function openEntryOf({ webhook_id, integration_id, accepted_at }: LedgerRecord, nowMs: number): OpenEntry {
  return { webhook_id, integration_id, accepted_at, since: new Date(nowMs).toISOString() };
}

/**
 * Whether the writer of a record must write an open entry first, because no run of the reconciler lists the delivery: the write
 * reopens it, or nothing has listed it in time. The second happens if its event was not written, since the table was down.
 *
 * @param before the record that is replaced; undefined if there is none
 */
export function needsOpenEntry(before: LedgerRecord | undefined, after: LedgerRecord, nowMs: number): boolean {
  if (isFinal(after)) return false;
  if (before !== undefined && isFinal(before)) return true;
  const isUnlisted = before === undefined || isFirstClaim(before);
  return isUnlisted && nowMs - Date.parse(after.accepted_at) > LATE_AFTER_MS;
}
