import { type EvaluatedFlag, type Evaluation, evaluateAt } from '../../lambdas/flag/evaluation.ts';

// The operators' page bundles this file too: it imports nothing of Node.

/** What a change of the flag means for enterprises. */
export interface EnterpriseChanges {
  /** Those that get learning time, and those that lose it. */
  readonly on: readonly string[];
  readonly off: readonly string[];
  /** How many have it before and after. */
  readonly had: number;
  readonly have: number;
}

/** @param positionOf see `evaluateAt` */
export function enterpriseChanges(
  before: EvaluatedFlag,
  after: EvaluatedFlag,
  ids: readonly string[],
  positionOf: (id: string) => number,
): EnterpriseChanges {
  const isOnBefore = (id: string) => evaluateAt(before, id, positionOf).isOn;
  const isOnAfter = (id: string) => evaluateAt(after, id, positionOf).isOn;
  return {
    on: ids.filter((id) => !isOnBefore(id) && isOnAfter(id)),
    off: ids.filter((id) => isOnBefore(id) && !isOnAfter(id)),
    had: ids.filter(isOnBefore).length,
    have: ids.filter(isOnAfter).length,
  };
}

/** Why an enterprise has learning time or not. @param position see `bucket` */
export function formatReason(reason: Evaluation['reason'], position: number): string {
  if (reason === 'off') return 'the flag is off';
  if (reason === 'pilot') return 'pilot';
  return `${reason.replace('_', ' ')}: its position is ${formatPosition(position)} of 100`;
}

/** One decimal, rounded down: an enterprise at 9.97 is within 10%. */
export function formatPosition(position: number): string {
  return (Math.floor(position * 10) / 10).toFixed(1);
}
