import { kindNamed, kindOf } from '../contract/event-types/event-types.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';

/** What is said of a webhook that was given up: a delivery, a record, or as much as could be read of either. */
export interface GivenUp {
  readonly webhook_id: string;
  readonly integration_id: string;
  readonly event_type: string;
  readonly kind?: string | undefined;
}

/**
 * Wakes somebody up where a webhook was given up of a kind that is worth it: an alarm looks at the count. Whoever
 * dead-letters a delivery, or ends one, says so here; twice does no harm, and never would.
 */
export function tellIfCritical(
  givenUp: GivenUp,
  { log, counter }: { readonly log: Log; readonly counter: Counter },
): void {
  const kind = kindOf(givenUp);
  if (!kindNamed(kind).isCritical) return;
  const { webhook_id, integration_id } = givenUp;
  counter.count(METRICS.criticalDead);
  log.error('delivery.critical_dead', { webhook_id, integration_id, kind });
}
