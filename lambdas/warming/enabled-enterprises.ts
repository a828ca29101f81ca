import { canonicalEnterpriseId } from '../events/event.ts';
import { evaluateFlag } from '../flag/evaluate-flag.ts';
import type { Flag } from '../flag/flag-document.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';

/** Most enterprises of a query, each of which is a bind. Snowflake accepts 16,384 expressions in a list. */
export const MAX_ENTERPRISES = 10_000;

export interface EnabledEnterprises {
  /** Those with learning time, sorted; in canonical form. */
  readonly enterpriseIds: readonly string[];
  /**
   * Active integrations of no enterprise whose events name enterprises that nothing else does, and enterprises above the limit:
   * their learners are read through.
   */
  readonly readThrough: number;
}

/**
 * Finds the enterprises whose learners are worth loading: those of active integrations and the flag's pilots, if the flag is
 * on for them. An entry that is broken counts, since its events wait until it is fixed.
 */
export function enabledEnterprises(
  flag: Flag,
  { byId, broken }: Pick<IntegrationRegistry, 'byId' | 'broken'>,
): EnabledEnterprises {
  const active = [...byId.values()].filter((integration) => integration.active);
  const candidates = [
    ...active.flatMap((integration) => integration.enterprise_customer_uuid ?? []),
    ...[...broken.values()].flatMap(({ enterprise }) =>
      typeof enterprise === 'string' ? canonicalEnterpriseId(enterprise) : [],
    ),
    ...flag.pilot_enterprises,
  ];
  const enabled = [...new Set(candidates)].filter((id) => evaluateFlag(flag, id).isOn).toSorted();
  // At 0% only pilots are on, and those are known.
  const areOthersOn = flag.enabled && flag.rollout_percentage > 0;
  const ownerless = active.filter((integration) => integration.enterprise_customer_uuid === undefined);
  return {
    enterpriseIds: enabled.slice(0, MAX_ENTERPRISES),
    readThrough: Math.max(0, enabled.length - MAX_ENTERPRISES) + (areOthersOn ? ownerless.length : 0),
  };
}
