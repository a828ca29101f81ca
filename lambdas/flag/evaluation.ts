import type { EvaluationReason } from '../shared/metric-definitions.ts';
import type { Flag } from './flag-document.ts';

/** The flag's value for one enterprise, and the reason. */
export interface Evaluation {
  readonly isOn: boolean;
  readonly reason: EvaluationReason;
}

/** What decides about an enterprise. */
export type EvaluatedFlag = Pick<Flag, 'enabled' | 'rollout_percentage' | 'pilot_enterprises'>;

/**
 * Whether learning time is added for an enterprise: because it is a pilot, or by its position in the rollout. The operators'
 * page evaluates the flag with positions that it was sent, since it cannot compute their hash at once.
 *
 * @param enterpriseId in canonical form
 * @param positionOf `bucket`, or the positions that it returned before
 */
export function evaluateAt(
  { enabled, pilot_enterprises, rollout_percentage }: EvaluatedFlag,
  enterpriseId: string,
  positionOf: (enterpriseId: string) => number,
): Evaluation {
  if (!enabled) return { isOn: false, reason: 'off' };
  if (pilot_enterprises.includes(enterpriseId)) return { isOn: true, reason: 'pilot' };
  if (positionOf(enterpriseId) < rollout_percentage) return { isOn: true, reason: 'within_percentage' };
  return { isOn: false, reason: 'beyond_percentage' };
}
