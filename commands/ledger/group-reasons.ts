import type { ListedDelivery } from '../../lambdas/ledger/ports.ts';
import { NO_REASON, reasonPattern } from './reason-pattern.ts';

/** Deliveries of one integration whose reasons have the same pattern. */
export interface ReasonGroup {
  readonly integration_id: string;
  /** See `reasonPattern`. */
  readonly reason: string;
  readonly deliveries: number;
  /** When the first and the last of them entered their state. ISO 8601, UTC. */
  readonly first_at: string;
  readonly last_at: string;
  /** The `webhook-id` of the last. */
  readonly example: string;
}

export interface GroupedReasons {
  /** The largest first. */
  readonly groups: readonly ReasonGroup[];
  /** Deliveries whose groups are not counted one by one, because there are too many. */
  readonly others: number;
  readonly total: number;
}

/** Groups that are counted at most: of all integrations, and of one of them. */
const MOST_GROUPS = { all: 1000, ofOne: 100 } as const;

/**
 * Groups deliveries by integration and the pattern of their reason. Its memory does not grow with the number of
 * deliveries: those of later groups, once there are as many as fit, are counted together.
 */
export function createReasonGroups(most: { readonly all: number; readonly ofOne: number } = MOST_GROUPS) {
  const groups = new Map<string, Map<string, ReasonGroup>>();
  let counted = 0;
  let others = 0;
  let total = 0;
  return {
    add(delivery: Pick<ListedDelivery, 'webhook_id' | 'integration_id' | 'changed_at' | 'reason'>): void {
      const { webhook_id, integration_id, changed_at: at } = delivery;
      total += 1;
      const reason = patternOf(delivery);
      const ofOne = groups.get(integration_id);
      const known = ofOne?.get(reason);
      if (known === undefined && (counted >= most.all || (ofOne?.size ?? 0) >= most.ofOne)) {
        others += 1;
        return;
      }
      const { deliveries, first_at, last_at, example } = known ?? {
        ...{ deliveries: 0, first_at: at, last_at: at, example: webhook_id },
      };
      if (known === undefined) counted += 1;
      const group: ReasonGroup = {
        ...{ integration_id, reason },
        deliveries: deliveries + 1,
        first_at: at < first_at ? at : first_at,
        last_at: at > last_at ? at : last_at,
        example: at > last_at ? webhook_id : example,
      };
      if (ofOne === undefined) groups.set(integration_id, new Map([[reason, group]]));
      else ofOne.set(reason, group);
    },
    /** @param atMost groups; those of the smaller ones are counted with the others */
    grouped(atMost = Number.POSITIVE_INFINITY): GroupedReasons {
      const all = [...groups.values()].flatMap((ofOne) => [...ofOne.values()]).toSorted(largestFirst);
      const hidden = all.slice(atMost).reduce((sum, { deliveries }) => sum + deliveries, 0);
      return { groups: all.slice(0, atMost), others: others + hidden, total };
    },
  };
}

/** What a delivery is grouped by. */
export function patternOf({ reason }: Pick<ListedDelivery, 'reason'>): string {
  return reasonPattern(reason ?? NO_REASON) || NO_REASON;
}

function largestFirst(one: ReasonGroup, other: ReasonGroup): number {
  return (
    other.deliveries - one.deliveries ||
    (one.integration_id + one.reason < other.integration_id + other.reason ? -1 : 1)
  );
}
