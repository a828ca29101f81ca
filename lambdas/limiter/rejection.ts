import type { RejectReason } from './limiter.ts';

const TEXTS: Readonly<Record<RejectReason, (id: string) => string>> = {
  failing: (id) => `integration ${id} is failing`,
  gone: (id) => `integration ${id} is gone`,
  certificate_expired: (id) => `the certificate of integration ${id} has expired`,
  certificate_incomplete: (id) => `the certificate of integration ${id} is incomplete`,
};

/** Why the limiter rejects an integration's deliveries, for the operator. */
export function rejectionText(integrationId: string, reason: RejectReason): string {
  return TEXTS[reason](integrationId);
}

/**
 * Finds the cause in the reason of a parked delivery, because the ledger's index has no `parked_for`.
 *
 * @returns undefined if the limiter did not reject it
 */
export function readRejection(integrationId: string, parkedReason: string): RejectReason | undefined {
  const reasons = Object.keys(TEXTS) as RejectReason[];
  return reasons.find((reason) => parkedReason === `parked: ${rejectionText(integrationId, reason)}`);
}
