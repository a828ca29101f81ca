import { createHash } from 'node:crypto';
import type { GatedIntegration } from '../contract/delivery-ports.ts';

/** The name of an integration's record in Valkey. */
export function gateKey({ id }: Pick<GatedIntegration, 'id'>): string {
  return `gate:${id}`;
}

/** By the integration as it was read: each has the same epoch for as long as its document is served. */
const epochs = new WeakMap<GatedIntegration, number>();

/** Another number (48 bits) with another address, or once resumed: what is known of the endpoint no longer holds. */
export function epochOf(integration: GatedIntegration): number {
  const known = epochs.get(integration);
  if (known !== undefined) return known;
  const { url, resumed_at } = integration;
  const epoch = createHash('sha256')
    .update(JSON.stringify([url, resumed_at ?? null]))
    .digest()
    .readUIntBE(0, 6);
  epochs.set(integration, epoch);
  return epoch;
}
