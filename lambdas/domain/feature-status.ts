import {
  type AllStatuses,
  FEATURE_DESCRIPTION,
  type FeatureState,
  type FeatureStatus,
  type StatusQuery,
} from '../contract/feature-status.ts';
import { FEATURE_NAME, type Flag } from '../contract/flag.ts';
import { type Evaluation, evaluateFlag } from './flag.ts';

/** The state of every feature for whom it was asked. There is one. */
export function allStatuses(flag: Flag, query: StatusQuery): AllStatuses {
  return { features: { [FEATURE_NAME]: featureState(flag, query.enterprise_customer_uuid) }, ...askedOf(query) };
}

/** @returns undefined where there is no feature of that name */
export function featureStatus(flag: Flag, feature: string, query: StatusQuery): FeatureStatus | undefined {
  if (feature !== FEATURE_NAME) return undefined;
  return { feature, ...featureState(flag, query.enterprise_customer_uuid), ...askedOf(query) };
}

/** @param enterpriseId undefined for the general state */
function featureState(flag: Flag, enterpriseId: string | undefined): FeatureState {
  const { isOn, reason } = enterpriseId === undefined ? evaluateForAnybody(flag) : evaluateFlag(flag, enterpriseId);
  return {
    enabled: isOn,
    user_specific: enterpriseId !== undefined,
    rollout_percentage: flag.enabled ? flag.rollout_percentage : null,
    description: FEATURE_DESCRIPTION,
    reason,
  };
}

/** Whether the flag is on for anybody, and by what: the percentage says more of most enterprises than the pilots do. */
function evaluateForAnybody(flag: Flag): Evaluation {
  if (!flag.enabled) return { isOn: false, reason: 'off' };
  if (flag.rollout_percentage > 0) return { isOn: true, reason: 'within_percentage' };
  if (flag.pilot_enterprises.length > 0) return { isOn: true, reason: 'pilot' };
  return { isOn: false, reason: 'beyond_percentage' };
}

function askedOf({ user_id, enterprise_customer_uuid }: StatusQuery) {
  return { user_id: user_id ?? null, enterprise_customer_uuid: enterprise_customer_uuid ?? null };
}
