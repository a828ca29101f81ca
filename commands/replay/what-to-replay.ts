import type { DeliveryState } from '../../lambdas/ledger/record.ts';
import { UsageError } from '../../local/command-line.ts';
import { reasonPattern } from '../ledger/reason-pattern.ts';
import { readSpan, type TimeOptions } from '../shared/time-span.ts';
import type { ReplayFilter } from './find-deliveries.ts';
import { REPLAYED_STATES } from './option-values.ts';

export interface FilterOptions extends TimeOptions {
  readonly integration?: string | undefined;
  readonly state?: readonly DeliveryState[] | undefined;
  /** A part of the reason. */
  readonly error?: string | undefined;
  /** A reason, or its pattern. */
  readonly errorLike?: string | undefined;
  /** Needed where nothing narrows it down. */
  readonly all?: true | undefined;
}

/** These, or what a filter finds. */
export type WhatToReplay = { readonly ids: readonly string[] } | { readonly filter: ReplayFilter };

/** @throws UsageError where it is ids and a filter, neither, or all without `--all` */
export function whatToReplay(ids: readonly string[], options: FilterOptions, nowMs: number): WhatToReplay {
  const { integration: integrationId, state, since, until, error: reason, errorLike, all } = options;
  const isAnywhere = [integrationId, since, reason, errorLike].every((value) => value === undefined);
  if (ids.length > 0) {
    if (isAnywhere && state === undefined && until === undefined && !all) return { ids };
    throw new UsageError('name deliveries by their ids or by a filter, not both');
  }
  const states = [...new Set(state ?? (['dead'] as const))];
  const isEverything = isAnywhere && (state === undefined || states.length === REPLAYED_STATES.length);
  if (isEverything && !all) {
    throw new UsageError(`that is everything that is ${states.join(' or ')}: narrow it down, or say --all`);
  }
  if (reason?.trim() === '') throw new UsageError('--error takes a part of a reason: every reason has an empty one');
  if (errorLike?.trim() === '') throw new UsageError('--error-like takes a reason: "./ltw ledger reasons" lists them');
  const like = errorLike === undefined ? undefined : reasonPattern(errorLike);
  return { filter: { integrationId, states, span: readSpan({ since, until }, nowMs), reason, like } };
}
