import { reportIfCritical } from '../events/critical-dead.ts';
import type { Delivery, TaskResult } from '../events/delivery.ts';
import { dead, withOutcome } from '../events/progress.ts';
import type { Integration } from '../partners/integration.ts';
import { type IntegrationRegistry, routeTo } from '../partners/integration-registry.ts';
import { ConfigurationUnavailable } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import { type ParkServices, park } from './parking.ts';

export interface FindReceiverServices extends ParkServices {
  readonly integrations: IntegrationsSource;
  readonly log: Log;
  readonly counter: Counter;
}

/** The current integrations. */
export interface IntegrationsSource {
  read(): Promise<IntegrationRegistry | undefined>;
}

/** The current integration of a delivery, or the outcome of the delivery without an attempt. */
export type Receiver = { readonly integration: Integration } | { readonly result: TaskResult };

/** A delivery's integration in the registry. */
export interface IntegrationLookup {
  readonly registry: IntegrationRegistry;
  /** Undefined if the registry has no integration of that id. */
  readonly integration: Integration | undefined;
}

/**
 * Looks the integration up before each attempt, because it may have changed since the event was accepted.
 *
 * @throws ConfigurationUnavailable if the integrations, or this one's entry, cannot be read: the endpoint is not known
 */
export async function lookUpIntegration(
  { integration_id: id }: Delivery,
  services: { readonly integrations: IntegrationsSource },
): Promise<IntegrationLookup> {
  const registry = await services.integrations.read();
  if (registry === undefined) throw new ConfigurationUnavailable('the integrations were never read');
  if (registry.broken.has(id))
    throw new ConfigurationUnavailable(`the entry of integration ${id} does not fit its schema`);
  return { registry, integration: registry.byId.get(id) };
}

/** Decides whether a delivery may be sent to its integration. */
export function findReceiver(
  delivery: Delivery,
  { registry, integration }: IntegrationLookup,
  services: Omit<FindReceiverServices, 'integrations'>,
): Receiver {
  const id = delivery.integration_id;
  if (integration === undefined) {
    services.counter.count(METRICS.deliveryDead);
    reportIfCritical(delivery, services);
    return { result: dead(delivery, delivery.progress.attempt, `no integration has the id ${id}`, 'no_integration') };
  }
  const verdict = routeTo(integration, delivery.event_type);
  if (verdict.to === 'none') {
    services.counter.count(METRICS.eventFiltered);
    const fields = { webhook_id: delivery.webhook_id, integration_id: id, reason: verdict.reason };
    services.log.info('event.filtered', fields);
    return { result: withOutcome(delivery, delivery.progress.attempt, 'filtered', verdict.reason) };
  }
  const parked = (why: string) => ({ result: park(delivery, { cause: 'paused', why }, services) });
  if (registry.paused) return parked('all integrations are paused');
  if (integration.paused) return parked(`integration ${id} is paused`);
  return { integration };
}
