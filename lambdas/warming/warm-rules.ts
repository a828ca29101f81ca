import { createHash } from 'node:crypto';
import { HOUR_MS, MINUTE_MS } from '../shared/durations.ts';
import type { ChangeToken, WarmMarker, WarmProgress, WarmSelection } from '../warehouse/warming.ts';

/** A table that was changed more recently may be in the middle of its daily load. */
export const QUIET_MS = 30 * MINUTE_MS;

/** A marker that is older is renewed, although the table is the same: its entries live for 50 hours. */
export const RENEW_AFTER_MS = 48 * HOUR_MS;

/** Fewer rows than this share of the last complete run's are a fault of the table until an operator accepts them. */
export const SMALLEST_SHARE = 0.8;

/** Why a run warms the cache. `expiring`: the entries of an unchanged table would soon expire. */
export const WARM_REASONS = ['no_marker', 'selection_changed', 'table_changed', 'expiring'] as const;
export type WarmReason = (typeof WARM_REASONS)[number];

interface Situation {
  readonly marker: WarmMarker | undefined;
  readonly token: ChangeToken;
  readonly selectionId: string;
  /** The wall clock, in epoch milliseconds. */
  readonly nowMs: number;
}

/**
 * Decides whether to warm.
 *
 * @returns the reason to; `current` if the cache holds this version of the table; `waiting` if the table was changed less than
 * 30 minutes ago
 */
export function decide({ marker, token, selectionId, nowMs }: Situation): WarmReason | 'current' | 'waiting' {
  if (marker === undefined) return 'no_marker';
  if (marker.selectionId !== selectionId) return 'selection_changed';
  if (marker.token !== token) return isQuiet(token, nowMs) ? 'table_changed' : 'waiting';
  return nowMs - Date.parse(marker.completedAt) > RENEW_AFTER_MS ? 'expiring' : 'current';
}

/**
 * Whether the table has been unchanged for 30 minutes. A change in the future shows that the clocks of Snowflake and of the
 * function disagree. Up to 30 minutes of that are waited for. More are not: the run would wait for as long as they disagree,
 * while warming too early costs one more query at most.
 */
function isQuiet(token: ChangeToken, nowMs: number): boolean {
  return Math.abs(nowMs - changedAtMs(token)) >= QUIET_MS;
}

/** When the table was changed, in epoch milliseconds. */
export function changedAtMs(token: ChangeToken): number {
  return Number(BigInt(token) / 1_000_000n);
}

/**
 * Whether a changed table has lost more than a fifth of its rows, by the marker of the same selection. An unchanged table may:
 * the days of activity that the query selects move on.
 */
export function hasShrunk(rows: number, { marker, token, selectionId }: Omit<Situation, 'nowMs'>): boolean {
  if (marker === undefined || marker.selectionId !== selectionId || marker.token === token) return false;
  return rows < SMALLEST_SHARE * marker.rows;
}

/** Whether a run continues this progress: the same version of the table, and the same selection. */
export function isContinuable(progress: WarmProgress, token: ChangeToken, selectionId: string): boolean {
  return progress.token === token && progress.selectionId === selectionId;
}

/**
 * Names what the query selects: 16 hexadecimal digits, which do not depend on the order of the enterprises.
 *
 * @param source the stage's names of the table and its columns
 */
export function selectionIdOf({ enterpriseIds, activeDays, maxRows }: WarmSelection, source: object): string {
  const content = JSON.stringify([enterpriseIds.toSorted(), activeDays, maxRows, source]);
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
