import { createHash } from 'node:crypto';
import type { LimitedIntegration } from './limiter.ts';

/** The name of an integration's record in Valkey. */
export function limiterKey({ id }: Pick<LimitedIntegration, 'id'>): string {
  return `limiter:${id}`;
}

/** Cached by the integration object, which stays the same until its document is read again. */
const epochs = new WeakMap<LimitedIntegration, number>();

/** A 48-bit number that changes with the address, and when the integration is resumed. A record is valid for one epoch. */
export function epochOf(integration: LimitedIntegration): number {
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
